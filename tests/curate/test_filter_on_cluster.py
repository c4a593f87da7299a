"""A filter whose records other machines examine: the same versions, whoever dies."""

from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.progress import Progress, silent
from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
from lyrikstore.curate.recipes import source
from lyrikstore.curate.recipes.apply import FilterResult, apply_recipe
from lyrikstore.curate.recipes.filters.contract import FieldChange
from lyrikstore.curate.recipes.recipe import Recipe, parse_recipe
from lyrikstore.curate.recipes.source import Batch
from lyrikstore.curate.recipes.step_results import (
    BatchResults,
    Changed,
    Divided,
    Dropped,
    Failed,
    Item,
)
from tests.curate.conftest import Bench
from tests.servers.dask import InProcess

RECIPE = """
recipe = 1
description = "all of them"
[[step]]
use = "drop-empty/1"
[[step]]
use = "redact/1"
columns = ["owner"]
[[step]]
use = "drop-duplicates/1"
[[step]]
use = "allow/1"
column = "licence"
values = ["MIT", "CC0-1.0"]
[[step]]
use = "split/1"
by = "owner"
seed = "1"
train = 0.6
validation = 0.2
test = 0.2
"""


@pytest.fixture
def corpus(bench: Bench) -> Bench:
    """Texts with personal data, twins (some of them only after redaction), empty ones, a sheet."""
    files, rows = {}, [["path", "owner", "licence"]]
    for number in range(240):
        person = f"someone{number % 9}@example.org"
        text = f"Text {number // 3 * 3}.\nMail {person} or mail{number % 3}@example.org.\n"
        path = f"{number % 7}/{number:03}.txt"
        files[path] = "" if number % 40 == 7 else text * (1 + number // 3 % 5)
        rows.append([path, person, ("MIT", "CC0-1.0", "GPL-3.0-only")[number % 3 % 2 * 2]])
    bench.write(files)
    bench.commit(stated=CommitMetadata(sheet=bench.sheet(rows)))
    return bench


def derive(bench: Bench, name: str, pools: Any = None, **options: Any) -> FilterResult:
    recipe = parse_recipe(options.pop("recipe", RECIPE).encode())
    context = bench.with_cache(options.pop("cache_dir", None), options.pop("progress", silent))
    return apply_recipe(
        context,
        ["acme/docs"],
        recipe,
        name,
        pools=pools,
        **options,
    )


def said(bench: Bench, result: FilterResult) -> list[Any]:
    """Everything a filter decided, without the name it went to."""
    found: list[Any] = [dict(result.dropped), dict(result.changed), result.counts]
    for part, manifest in result.manifests.items():
        (decisions,) = manifest.attachments_in("decisions")
        found += [part, manifest.tree, manifest.files, decisions.id, manifest.body]
        for entry in bench.repo.tree(manifest).entries:
            bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20)
    return found


def test_shares_in_any_order_decide_what_one_core_does(corpus: Bench) -> None:
    alone = derive(corpus, "acme/clean")
    assert alone.dropped["duplicate"]
    assert alone.changed
    seen: list[Progress] = []
    again = derive(corpus, "acme/clean", InProcess, progress=seen.append)
    assert again.unchanged  # not one byte of a manifest differs
    assert seen[-1][:2] == (240, 240)
    other = derive(corpus, "acme/other", InProcess)
    assert said(corpus, other)[:3] == said(corpus, alone)[:3]


def test_a_filter_of_a_fresh_store_on_a_cluster_is_whole(corpus: Bench) -> None:
    spread_out = derive(corpus, "acme/clean", InProcess)
    assert not spread_out.unchanged
    assert derive(corpus, "acme/clean").unchanged
    for manifest in spread_out.manifests.values():
        for entry in corpus.repo.tree(manifest).entries:
            text = corpus.repo.blobs.read(entry.blake3, max_bytes=1 << 20)
            assert b"@example.org" not in text


@pytest.mark.filterwarnings("default")
def test_a_killed_worker_changes_nothing_but_time(corpus: Bench, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    from tests.servers.dask import losing_a_worker

    with losing_a_worker(tmp_path) as (cluster, kill_one):
        result = derive(corpus, "acme/clean", cluster.pool, progress=kill_one)
    assert not result.unchanged
    assert derive(corpus, "acme/clean").unchanged


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [
        ("0/zz.txt", b"\xff\xfe no text", "undecodable-text"),
        ("0/scan.pdf", b"%PDF-1.7 and so on", "no-reader"),
    ],
)
def test_refusals_are_those_of_one_core(
    corpus: Bench, path: str, content: bytes, kind: str
) -> None:
    corpus.write({path: content, path.replace("0/", "3/"): content})
    corpus.commit(allow=CommitOptions(loss=True))  # without its sheet
    errors = []
    recipe = 'recipe = 1\n[[step]]\nuse = "drop-duplicates/1"\n'
    for pools in (None, InProcess):
        with pytest.raises(InvalidInputError) as caught:
            derive(corpus, "acme/clean", pools, recipe=recipe)
        errors.append(
            (caught.value.kind, caught.value.message, caught.value.hint, caught.value.details)
        )
    assert errors[0] == errors[1]
    assert errors[0][0] == kind
    assert "datasets/acme/clean" not in corpus.repo.refs


def test_findings_cross_as_bytes() -> None:
    failed = InvalidInputError("bad-value", "message", hint="hint", details={"a": 1})
    found = BatchResults(
        [
            [Item(b"1" * 32, [Dropped(1, "empty", "ä")])],
            [
                Item(b"2" * 32, [Divided(2, "divided", 2)]),
                Item(b"3" * 32, data=b"{}", number=0, left=b"6", part="train", step=4),
                Item(b"4" * 32, [Changed(2, (FieldChange("meta:x", "why", 1),))]),
            ],
            [Item(b"5" * 32, [Failed(failed.to_json())], meta={"k": "v"}, key=b"\x00\xff")],
        ],
        [("a.pdf", "PDF")],
        {1: ["x"]},
    )
    assert BatchResults.decode(found.encode()) == found
    assert [item.is_alive for items in found.records for item in items] == [
        False,
        False,
        True,
        True,
        False,
    ]
    back = Failed(failed.to_json()).to_error()
    assert (back.kind, back.hint, back.details) == ("bad-value", "hint", {"a": 1})
    for decode in (BatchResults.decode, Batch.decode):
        with pytest.raises(FormatError) as caught:
            decode(b"\xc1")
        assert caught.value.kind == "bad-answer"


def test_a_recipe_crosses_as_json() -> None:
    recipe = parse_recipe(RECIPE.encode())
    back = Recipe.from_json(recipe.to_json())
    assert back.body() == recipe.body()
    assert [step.filter for step in back.steps][1:2] == [recipe.steps[1].filter]
    assert back.steps[-1].filter == recipe.steps[-1].filter


def left(bench: Bench, cache: Path) -> list[Path]:
    return [*cache.iterdir(), *(bench.repo.root / "staging").glob("*-*")]


def test_a_killed_filter_goes_on_where_it_was(
    corpus: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "BATCH_FILES", 16)
    alone = derive(corpus, "acme/clean")
    cache = tmp_path / "cache"
    reported: list[int] = []

    def killed(progress: Progress) -> None:
        reported.append(progress.done)
        if len(reported) == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        derive(corpus, "acme/clean", progress=killed, cache_dir=cache)
    kept = sorted(corpus.repo.root.glob("staging/kept-*/stage-0/*"))
    assert len(kept) == 7
    # What was cut off, and what somebody changed by one byte, is worked out again.
    kept[0].write_bytes(kept[0].read_bytes()[:-1])
    kept[1].write_bytes(bytes(1) + kept[1].read_bytes()[1:])
    reported.clear()
    result = derive(
        corpus, "acme/clean", progress=lambda p: reported.append(p.done), cache_dir=cache
    )
    assert result.unchanged
    assert len(reported) == 10 + 15  # five of the first stage were there
    assert said(corpus, result) == said(corpus, alone)
    assert left(corpus, cache) == []


def test_two_at_the_same_work_do_not_meet(corpus: Bench, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    inner: list[FilterResult] = []

    def meanwhile(_: Progress) -> None:
        if not inner:
            inner.append(derive(corpus, "acme/inner", cache_dir=cache))

    outer = derive(corpus, "acme/outer", cache_dir=cache, progress=meanwhile)
    assert said(corpus, outer)[:3] == said(corpus, inner[0])[:3]
    assert left(corpus, cache) == []
