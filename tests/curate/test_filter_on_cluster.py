"""A filter whose records other machines examine: the same versions, whoever dies."""

from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.progress import Progress
from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
from lyrikstore.curate.recipes.apply import FilterResult, apply_recipe
from lyrikstore.curate.recipes.filters.contract import Drop, FieldChange
from lyrikstore.curate.recipes.findings import (
    Changed,
    Dropped,
    Failed,
    Kept,
    Keyed,
    finding_from_json,
    finding_to_json,
)
from lyrikstore.curate.recipes.recipe import Recipe, parse_recipe
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects import distributed
from lyrikstore.testing.keys import signer_for
from tests.curate.conftest import NOW, Bench
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
    return apply_recipe(
        bench.repo,
        ["acme/docs"],
        recipe,
        name,
        signer=signer_for("owner"),
        clock=lambda: NOW,
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


def test_shares_in_any_order_decide_what_one_core_does(
    corpus: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "_SHARE_MIN", 3000)
    alone = derive(corpus, "acme/clean")
    assert alone.dropped["duplicate"]
    assert alone.changed
    seen: list[Progress] = []
    again = derive(corpus, "acme/clean", InProcess, progress=seen.append)
    assert again.unchanged  # not one byte of a manifest differs
    assert len(seen) > 4
    assert seen[-1] == Progress(240, 240)
    other = derive(corpus, "acme/other", InProcess)
    assert said(corpus, other)[:3] == said(corpus, alone)[:3]


def test_a_filter_of_a_fresh_store_on_a_cluster_is_whole(
    corpus: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "_SHARE_MIN", 3000)
    spread_out = derive(corpus, "acme/clean", InProcess)
    assert not spread_out.unchanged
    assert derive(corpus, "acme/clean").unchanged
    for manifest in spread_out.manifests.values():
        for entry in corpus.repo.tree(manifest).entries:
            text = corpus.repo.blobs.read(entry.blake3, max_bytes=1 << 20)
            assert b"@example.org" not in text


@pytest.mark.filterwarnings("default")
def test_a_killed_worker_changes_nothing_but_time(
    corpus: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    from tests.servers.dask import losing_a_worker

    monkeypatch.setattr(distributed, "_SHARE_MIN", 3000)
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
    corpus: Bench, path: str, content: bytes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "_SHARE_MIN", 3000)
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


def test_a_later_step_s_error_counts_only_for_records_that_get_there(corpus: Bench) -> None:
    # The second of two equal files is dropped before the step that could not take it.
    from lyrikstore.curate.recipes.engine import Examiner, settle
    from lyrikstore.history.trees.tree import Tree

    recipe = parse_recipe(b'recipe = 1\n[[step]]\nuse = "drop-duplicates/1"\n')
    tree = Tree(corpus.repo.tree(corpus.repo.resolve("acme/docs")).entries[:2])
    key = Keyed(1, bytes(32))
    kept = Kept(None, None, tree.entries[0].blake3, 1, None, rewritten=False)
    failed = Failed(InvalidInputError("undecodable-text", "no"))
    applied = settle(recipe, tree, [[key, kept], [key, failed]])
    assert dict(applied.dropped) == {"duplicate": 1}
    with pytest.raises(InvalidInputError):
        settle(recipe, tree, [[key, failed], [key, kept]])
    examiner = Examiner(recipe, corpus.repo.blobs.open, lambda _: tree.entries[0].blake3)
    assert [type(found) for found in examiner.all_of(tree.entries[0])] == [Keyed, Kept]


def test_findings_cross_as_json(corpus: Bench) -> None:
    digest = next(iter(corpus.repo.tree(corpus.repo.resolve("acme/docs")).entries)).blake3
    for finding in (
        Keyed(3, b"\x00\xff"),
        Dropped(1, Drop("empty", "ä")),
        Changed(2, (FieldChange("text", "why", 2, ((0, 3), (5, 9)), digest),)),
        Changed(2, (FieldChange("meta:x", "why", 1, ()),)),
        Kept("train", 4, digest, 7, {"k": "v"}, rewritten=True),
        Kept(None, None, digest, 0, None, rewritten=False),
    ):
        assert finding_from_json(finding_to_json(finding)) == finding
    failed = InvalidInputError("kind", "message", hint="hint", details={"a": 1})
    back = finding_from_json(finding_to_json(Failed(failed)))
    assert isinstance(back, Failed)
    assert (back.error.kind, back.error.hint, back.error.details) == ("kind", "hint", {"a": 1})
    for wrong in (["kept"], [], ["keyed", 1, "zz"], ["changed", 1, [[1]]], ["keyed", "1", "00"]):
        with pytest.raises(Exception, match="no finding") as caught:
            finding_from_json(wrong)
        assert caught.value.kind == "bad-answer"


def test_a_recipe_crosses_as_json() -> None:
    recipe = parse_recipe(RECIPE.encode())
    back = Recipe.from_json(recipe.to_json())
    assert back.body() == recipe.body()
    assert [step.filter for step in back.steps][1:2] == [recipe.steps[1].filter]
    assert back.steps[-1].filter == recipe.steps[-1].filter


def test_a_worker_opens_the_store_as_it_is_now(corpus: Bench) -> None:
    from lyrikstore.curate.recipes import distribute

    url = str(corpus.repo.root)
    first = distribute._repository(url, (), 1)
    assert isinstance(first, Repository)
    assert distribute._repository(url, (), 1) is first
    assert distribute._repository(url, (), 2) is not first
