"""ATTACK A72: what earlier filters give away is found by trying, and is told; newer ones do not."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import IncompleteError, InvalidInputError
from lyrikstore.curate.extract.rows import document_digest
from lyrikstore.curate.recipes.explain.given_away import given_away
from lyrikstore.curate.recipes.explain.why import why
from lyrikstore.curate.recipes.recipe import Recipe, parse_recipe
from lyrikstore.history.gc.gc import collect
from lyrikstore.history.records.order_root import record_id
from lyrikstore.history.records.rows import JSONL
from lyrikstore.testing.keys import signer_for
from tests.curate.conftest import NOW, Bench
from tests.curate.recipes.applied import decisions_of

OLD = {
    "extract-text/1 redact/2": {"digests", "names"},
    "extract-text/1 redact/2 chunk/1": {"digests", "names"},
    "extract-text/1 chunk/1": set(),
    "extract-text/2 chunk/2 redact/3": {"chunks"},
    "redact/1": {"names"},
    "redact/2 chunk/1": {"names"},
    "chunk/1 drop-personal/1": {"digests"},
    "chunk/2 drop-personal/1": {"digests"},
    "extract-text/2 redact/2": {"names"},
    "extract-text/1 redact/2 redact/3 chunk/2": {"names"},
    "extract-text/2 redact/3 chunk/2": set(),
}
"""Steps → what is given away."""


def recipe(*uses: str) -> str:
    steps = (f'[[step]]\nuse = "{use}"\n' for use in uses)
    text = "recipe = 1\n" + "".join(steps)
    return text.replace('"drop-personal/1"\n', '"drop-personal/1"\nkinds = ["email"]\n')


def rows_of(bench: Bench, manifest: Any) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for entry in bench.repo.tree(manifest).entries
        for line in bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20).splitlines()
    ]


@pytest.mark.parametrize("uses", OLD)
def test_what_a_version_discloses_is_reported(bench: Bench, uses: str) -> None:
    bench.write({"a.txt": "Chart MRN: 10482231.", "b.txt": "Nothing."})
    bench.commit()
    result = bench.filter(recipe(*uses.split()))
    found = given_away(bench.repo, result.manifests[""])
    assert {one.code for one in found} == OLD[uses]
    old = [use for use in uses.split() if use in ("extract-text/1", "chunk/1", "redact/2")]
    assert [use for use in old if not any(use in note for note in result.notes)] == []


def test_it_is_reported_of_what_is_made_of_such_a_version(bench: Bench) -> None:
    bench.write({"a.txt": "Chart MRN: 10482231.", "b.txt": "Nothing."})
    bench.commit()
    bench.filter(recipe("extract-text/1", "redact/2"), to="acme/old")
    result = bench.filter(recipe("drop-empty/1"), "acme/old", to="acme/newer")
    (digests, names) = given_away(bench.repo, result.manifests[""])
    assert (digests.code, digests.filters) == ("digests", ("extract-text/1",))
    assert (names.code, names.filters) == ("names", ("redact/2",))
    result = bench.filter(recipe("redact/3"), "acme/old", to="acme/mended")
    # The names are gone from the texts, and redact/3 cannot know them in the paths.
    (left,) = given_away(bench.repo, result.manifests[""])
    assert (left.code, left.filters) == ("names", ("redact/2",))
    assert [sorted(row) for row in rows_of(bench, result.manifests[""])] == [["path", "text"]] * 2


def test_a_number_falls_with_chunk_1_and_not_with_chunk_2(bench: Bench) -> None:
    line = '{"text":"Chart MRN: 10482231 of ward 5."}'
    bench.write({"a.jsonl": line + "\n"})
    bench.commit()
    for version, falls in ((1, True), (2, False)):
        result = bench.filter(recipe(f"chunk/{version}", f"redact/{version + 1}"))
        (row,) = rows_of(bench, result.manifests[""])
        assert "10482231" not in row["text"]
        guesses = (line.replace("10482231", f"104822{n:02}") for n in range(100))
        found = [one for one in guesses if record_id(JSONL, one.encode()).hex in row.values()]
        assert bool(found) is falls


COPY = '[[step]]\nuse = "map/1"\ncombine = { key = "{document}-{part}" }\n'


def test_a_digest_that_was_copied_before_redaction_is_reported_or_refused(bench: Bench) -> None:
    bench.write({"a.txt": "Chart MRN: 10482231."})
    bench.commit()
    with pytest.raises(InvalidInputError) as caught:
        parse_recipe((recipe("chunk/2") + COPY + recipe("redact/3")[11:]).encode())
    assert caught.value.kind == "bad-recipe"
    bench.filter(recipe("chunk/2") + COPY, to="acme/cut")
    result = bench.filter(recipe("redact/3"), "acme/cut")
    (row,) = rows_of(bench, result.manifests[""])
    assert "document" not in row
    assert document_digest("Chart MRN: 10482231.") in row["key"]
    reported = {one.code: one.filters for one in given_away(bench.repo, result.manifests[""])}
    assert reported == {"digests": ("chunk/2",), "chunks": ("chunk/2",)}


@pytest.mark.parametrize("redact", ["redact/1", "redact/2", "redact/3"])
def test_files_are_not_read_once_more_after_redaction(bench: Bench, redact: str) -> None:
    bench.write({"a.txt": "Chart MRN: 10482231."})
    bench.commit()
    with pytest.raises(InvalidInputError) as caught:
        parse_recipe(recipe(redact, "extract-text/2").encode())
    assert caught.value.kind == "bad-recipe"
    # What a program before wrote is told.
    steps = (parse_recipe(recipe(use).encode()).steps[0] for use in (redact, "extract-text/2"))
    made = bench.filter(Recipe(tuple(steps), "")).manifests[""]
    assert "texts" in {one.code for one in given_away(bench.repo, made)}
    assert "10482231" in rows_of(bench, made)[0]["text"]


def test_a_chunk_has_the_path_that_its_document_got(bench: Bench) -> None:
    bench.write({"Gomez.txt": "Mr. Gomez called."})
    bench.commit()
    for between in ([], ["drop-duplicates/2"]):
        made = bench.filter(recipe("redact/3", *between, "chunk/2")).manifests[""]
        (row,) = rows_of(bench, made)
        assert "Gomez" not in json.dumps(row)


def test_folders_are_not_called_by_what_is_taken_out_later() -> None:
    first, then = '[[step]]\nuse = "partition/1"\nfield = "client"\n', recipe("redact/3")[11:]
    with pytest.raises(InvalidInputError) as caught:
        parse_recipe(("recipe = 1\n" + first + then).encode())
    assert caught.value.kind == "bad-recipe"
    parse_recipe(("recipe = 1\n" + then + first).encode())


def test_files_of_rows_do_not_keep_names_that_were_found_in_them(bench: Bench) -> None:
    found, other = '{"text":"Mr. Gomez called."}\n', '{"text":"Nothing."}\n'
    bench.write({"Gomez.jsonl": other + found, "a.jsonl": found, "client=Jo%20Roe/r.jsonl": other})
    bench.write({"days/2026-03-01.jsonl": other})  # a day of many rows is nobody's
    bench.commit()
    made = bench.filter(recipe("redact/3")).manifests[""]
    kept = ("a.jsonl", "client=Jo%20Roe/r.jsonl", "days/2026-03-01.jsonl", "rows-00000.jsonl")
    assert bench.repo.tree(made).paths == kept
    assert [row.new_path for row in decisions_of(bench, made) if row.action == "kept"] == [
        *("rows-00000.jsonl",) * 2,
        *kept[:3],
    ]
    bench.write({"client=Jo%20Roe/r.jsonl": '{"text":"x","client":"Jo Roe"}\n'})
    bench.commit()
    made = bench.filter(recipe("redact/3") + 'mask = ["client"]\n').manifests[""]
    assert bench.repo.tree(made).paths == (
        *("a.jsonl", "days/2026-03-01.jsonl", "rows-00000.jsonl", "rows-00002.jsonl"),
    )


@pytest.mark.parametrize("split", ["split/1", "split/2"])
def test_a_split_by_the_source_is_refused_after_redaction(split: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_recipe(recipe("redact/3", split).encode())
    assert caught.value.kind == "bad-recipe"
    by_field = recipe("redact/3", "split/2") + 'train = ["a"]\nvalidation = ["b"]\ntest = ["c"]\n'
    assert parse_recipe(by_field.encode()).parts == ("train", "validation", "test")


def test_why_goes_by_place_when_the_source_is_purged(bench: Bench, tmp_path: Path) -> None:
    bench.write({"a.jsonl": '{"text":"a@b.example"}\n{"text":"two"}\n'})
    first = bench.commit()
    made = bench.filter(recipe("redact/3", "chunk/2")).manifests[""]
    shown = why(bench.repo, "acme/clean", "a.jsonl:2")
    assert (shown.record, shown.kept) == (first_id(b'{"text":"two"}'), True)
    bench.write({"a.jsonl": '{"text":"three"}\n'})
    bench.commit(allow=loss())
    collect(
        bench.repo,
        clock=lambda: NOW + timedelta(days=9),
        signer=signer_for("owner"),
        keep=("datasets/acme/docs", 1),
        purge=True,
    )
    shown = why(bench.repo, str(made.id), "a.jsonl:1")
    assert (shown.path, shown.record, shown.kept) == ("a.jsonl", None, True)
    assert shown.current is not None
    assert shown.root.id == first.manifest.id
    (stage,) = shown.stages
    assert {row.record for row in stage.decisions} == {None}
    # Only the ids of what is there are found.
    assert why(bench.repo, str(made.id), shown.current[:12]).line == 1
    with pytest.raises(LookupError):
        why(bench.repo, str(made.id), first_id(b'{"text":"two"}'))
    # What is left names no record of the source.
    assert {row.record for row in decisions_of(bench, made)} == {None}


def first_id(line: bytes) -> str:
    """Return the record id of a row."""
    return record_id(JSONL, line).hex


def loss() -> Any:
    """Return leave to lose most of a dataset."""
    from lyrikstore.curate.commit.inputs import CommitOptions

    return CommitOptions(loss=True)


def test_what_was_made_of_a_retired_version_is_reported_and_explained(bench: Bench) -> None:
    bench.write({"a.txt": "Chart MRN: 10482231.", "b.txt": "Nothing."})
    bench.commit()
    old = bench.filter(recipe("extract-text/1", "redact/2"), to="acme/old").manifests[""]
    made = bench.filter(recipe("drop-empty/1"), "acme/old", to="acme/newer").manifests[""]
    bench.filter(recipe("extract-text/2", "redact/3"), to="acme/old")
    collect(
        bench.repo,
        clock=lambda: NOW + timedelta(days=9),
        signer=signer_for("owner"),
        keep=("datasets/acme/old", 1),
        purge=True,
    )
    for version in (made, old):
        assert {one.code for one in given_away(bench.repo, version)} == {"digests", "names"}
    # The decisions of the retired version went with it: nobody guesses what they said.
    with pytest.raises(IncompleteError) as caught:
        why(bench.repo, str(made.id), "part-00000.jsonl:1")
    assert caught.value.kind == "retired"
