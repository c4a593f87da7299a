"""Filter and why over a real store: counts reconcile, every record has its reason."""

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import EmptyResultError, FormatError, InvalidInputError, NotFoundError
from lyrikstore.curate.commit.inputs import CommitOptions
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.decisions import Decision, DecisionWriter
from lyrikstore.curate.recipes.engine import Engine
from lyrikstore.curate.recipes.explain.why import why
from lyrikstore.curate.recipes.recipe import Recipe, parse_recipe
from lyrikstore.curate.recipes.source import RecordSource
from lyrikstore.curate.recipes.write_outcome import OutcomeWriter, RecipeOutcome
from lyrikstore.curate.work_folder import WorkFolder
from lyrikstore.history.trees.tree import Tree, TreeEntry
from tests.curate.recipes.applied import EMAIL, RECIPE, corpus, decisions_of
from tests.decisions import SALT, decode_decisions, encode_decisions


def test_counts_reconcile_and_nothing_leaks(bench: Any) -> None:
    corpus(bench)
    result = bench.filter(RECIPE)
    assert set(result.manifests) == {"train", "validation", "test"}
    assert dict(result.dropped) == {"empty": 1, "undecodable": 1, "duplicate": 1, "not-allowed": 1}
    for part, counts in result.counts.items():
        assert counts["in"] == 34 == counts["kept"] + counts["dropped"] + counts["elsewhere"]
        manifest = result.manifests[part]
        assert manifest.name == f"datasets/acme/clean.{part}"
        assert manifest.body["derivation"]["counts"] == counts
        assert manifest.body["licence"] == {
            "expression": "CC-BY-4.0",
            "textDigest": str(Digest.of(b"the licence")),
        }
        tree = bench.repo.tree(manifest)
        assert [e.path for e in tree.entries] == sorted(e.path for e in tree.entries)
        for entry in tree.entries:
            text = bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20).decode()
            assert "@" not in text
            assert "Person" not in text
            assert "<EMAIL>" in text
            assert entry.meta["owner"] == "<REDACTED>"
    rows = decisions_of(bench, result.manifests["train"])
    last = [row for row in rows if row.action != "changed"]
    assert len(last) == 34
    assert [row.file for row in last] == list(range(34))
    # Places alone, and nothing that depends on what the records were.
    assert {(row.record, row.path, row.before, row.after, row.detail) for row in rows} == {
        (None,) * 5
    }
    assert EMAIL not in repr(rows)
    assert "Person" not in repr(rows)
    raw = bench.repo.blobs.read(
        result.manifests["test"].attachments_in("decisions")[0].id, max_bytes=1 << 24
    )
    assert EMAIL.encode() not in raw
    ids = {m.attachments_in("decisions")[0].id for m in result.manifests.values()}
    assert len(ids) == 1


def test_groups_stay_together_although_redacted(bench: Any) -> None:
    corpus(bench)
    result = bench.filter(RECIPE)
    source = bench.repo.tree(result.sources[0])
    part_of: dict[str, set[str]] = {}
    for part, manifest in result.manifests.items():
        for entry in bench.repo.tree(manifest).entries:
            owner = source.by_path[entry.path].meta["owner"]
            part_of.setdefault(owner, set()).add(part)
    assert all(len(parts) == 1 for parts in part_of.values())


def test_rerun_logs_nothing_and_a_new_source_logs_anew(bench: Any) -> None:
    corpus(bench)
    first = bench.filter(RECIPE)
    count = len(bench.repo.entries())
    again = bench.filter(RECIPE)
    assert again.unchanged
    assert len(bench.repo.entries()) == count
    assert again.manifests["train"].id == first.manifests["train"].id
    bench.write({"new.txt": "some new text"})
    bench.write({"00.txt": "changed"})
    bench.commit(allow=CommitOptions(loss=True))
    with pytest.raises(InvalidInputError) as caught:
        bench.filter(RECIPE)
    assert caught.value.kind == "unknown-column"  # the sheet was left out this time


def test_why_explains_kept_changed_and_dropped(bench: Any) -> None:
    corpus(bench)
    result = bench.filter(RECIPE)
    part, manifest = next(iter(result.manifests.items()))
    entry = bench.repo.tree(manifest).entries[0]
    kept = why(bench.repo, f"acme/clean.{part}", entry.path)
    assert kept.kept
    stage = kept.stages[0]
    assert {d.reason for d in stage.decisions if d.action == "changed"} == {
        "redacted-email",
        "redacted-copyright",
        "masked",
    }
    assert stage.verdict.part == part
    assert stage.filter.id == result.filter.id
    assert stage.source.id == result.sources[0].id
    # by the id before, the id after, and a prefix of it
    assert why(bench.repo, f"acme/clean.{part}", kept.record).path == entry.path
    assert kept.current is not None
    assert why(bench.repo, f"acme/clean.{part}", kept.current[:12]).path == entry.path
    dropped = why(bench.repo, f"acme/clean.{part}", "dup.txt")
    assert not dropped.kept
    assert dropped.stages[-1].verdict.reason == "duplicate"
    assert dropped.stages[-1].verdict.detail == "03.txt"
    assert why(bench.repo, f"acme/clean.{part}", "latin.txt").stages[0].verdict.reason == (
        "undecodable"
    )
    with pytest.raises(InvalidInputError, match=r"03\.txt and dup\.txt"):
        why(bench.repo, f"acme/clean.{part}", dropped.record)
    with pytest.raises(NotFoundError):
        why(bench.repo, f"acme/clean.{part}", "absent.txt")
    with pytest.raises(NotFoundError):
        why(bench.repo, f"acme/clean.{part}", "0123456789")
    elsewhere = next(p for p in result.manifests if p != part)
    assert not why(bench.repo, f"acme/clean.{elsewhere}", entry.path).kept


def test_a_row_is_found_by_its_id_wherever_it_went(bench: Any) -> None:
    rows = [{"id": f"T-{n}", "text": f"text {n}", "path": "a.pdf", "page": 3} for n in range(3)]
    rows[2]["text"] = ""
    bench.write({"rows.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    bench.commit()
    bench.filter('recipe = 1\n[[step]]\nuse = "drop-empty/1"\n')
    kept = why(bench.repo, "acme/clean", "T-1")
    assert (kept.path, kept.line, kept.kept) == ("rows.jsonl", 2, True)
    assert kept.document_path is None  # a row that only has fields called so
    dropped = why(bench.repo, "acme/clean", "T-2")
    assert (dropped.line, dropped.kept) == (3, False)
    with pytest.raises(NotFoundError):
        why(bench.repo, "acme/clean", "T-9")


def test_a_split_that_leaves_a_part_empty_says_what_the_parts_hold(bench: Any) -> None:
    bench.write({f"{number}.txt": f"text {number}" for number in range(3)})
    bench.commit()
    with pytest.raises(
        EmptyResultError, match=r"would be empty: train \d, validation \d"
    ) as caught:
        bench.filter('recipe = 1\n[[step]]\nuse = "split/1"\n')
    assert 'seed = "1"' in caught.value.hint
    assert sum(caught.value.details["records"].values()) == 3


def test_why_follows_a_chain_of_filters(bench: Any) -> None:
    corpus(bench)
    bench.filter('recipe = 1\n[[step]]\nuse = "drop-empty/1"\n', to="acme/one")
    bench.filter('recipe = 1\n[[step]]\nuse = "redact/1"\n', "acme/one", to="acme/two")
    bench.filter(
        'recipe = 1\n[[step]]\nuse = "allow/1"\ncolumn = "kind"\nvalues = ["x"]\n',
        "acme/two",
        to="acme/three",
    )
    kept = why(bench.repo, "acme/three", "00.txt")
    assert [stage.dataset.name for stage in kept.stages] == [
        "datasets/acme/one",
        "datasets/acme/two",
        "datasets/acme/three",
    ]
    assert kept.root.name == "datasets/acme/docs"
    assert kept.current != kept.record
    assert len(why(bench.repo, "acme/three", "empty.txt").stages) == 1
    assert not why(bench.repo, "acme/three", "01.txt").kept
    plain = why(bench.repo, "acme/docs", "00.txt")
    assert plain.kept
    assert plain.stages == ()
    assert why(bench.repo, "acme/docs", plain.record[:10]).path == "00.txt"


def test_refusals(bench: Any) -> None:
    bench.write({"a.pdf": b"%PDF-1.7", "b.txt": "x"})
    bench.commit()
    with pytest.raises(InvalidInputError) as caught:
        bench.filter('recipe = 1\n[[step]]\nuse = "drop-empty/1"')
    assert caught.value.kind == "no-reader"
    assert "no reader for .pdf" in caught.value.message
    assert bench.filter(
        'recipe = 1\n[[step]]\nuse = "split/1"\ntrain = 1\nvalidation = 0\ntest = 0'
    )
    (bench.data / "a.pdf").rename(bench.data / "a.txt")
    bench.commit(allow=CommitOptions(loss=True))
    with pytest.raises(InvalidInputError, match="no reader for"):
        bench.filter('recipe = 1\n[[step]]\nuse = "redact/1"')
    (bench.data / "a.txt").write_bytes(b"\xff")
    bench.commit()
    with pytest.raises(InvalidInputError) as caught:
        bench.filter('recipe = 1\n[[step]]\nuse = "redact/1"')
    assert caught.value.kind == "undecodable-text"
    count = len(bench.repo.entries())
    with pytest.raises(InvalidInputError) as caught:
        bench.filter('recipe = 1\n[[step]]\nuse = "drop-empty/1"', to="acme/docs")
    assert caught.value.kind == "same-name"
    (bench.data / "b.txt").write_bytes(b"")
    bench.commit()
    with pytest.raises(EmptyResultError, match="no record of 2 was kept"):
        bench.filter('recipe = 1\n[[step]]\nuse = "drop-empty/1"')
    assert len(bench.repo.entries()) == count + 2


DOCS = st.dictionaries(
    st.text("abc/", min_size=1, max_size=4).filter(lambda p: "/" not in (p[0], p[-1])),
    st.tuples(
        st.sampled_from([b"", b" ", b"one", b"ONE ", b"a@b.org", b"\xff", b"two http://x.y"]),
        st.sampled_from([None, "x", "y", "z"]),
    ),
    max_size=12,
)


@given(DOCS)
def test_any_corpus_reconciles(docs: dict[str, tuple[bytes, str | None]]) -> None:
    blobs = {Digest.of(data): data for data, _ in docs.values()}
    paths = [p for p in docs if "//" not in p and not any(q.startswith(p + "/") for q in docs)]
    tree = Tree.of(
        TreeEntry(
            p, len(docs[p][0]), Digest.of(docs[p][0]), {"kind": k} if (k := docs[p][1]) else None
        )
        for p in paths
    )

    def put(data: bytes) -> Digest:
        blobs[Digest.of(data)] = data
        return Digest.of(data)

    recipe = parse_recipe(RECIPE.replace('mask = ["owner"]', "").encode())

    def run() -> tuple[RecipeOutcome, bytes]:
        return run_recipe(recipe, tree, lambda d: io.BytesIO(blobs[d]), put)

    outcome, table = run()
    for part in outcome.parts:
        counts = outcome.counts(part)
        assert counts["in"] == counts["kept"] + counts["dropped"] + counts["elsewhere"]
        assert counts["changed"] <= counts["kept"]
    final = [row for row in decode_decisions(table) if row.action != "changed"]
    assert [row.file for row in final] == list(range(len(tree.entries)))
    assert encode_decisions(decode_decisions(table)) == table == run()[1]


def run_recipe(recipe: Recipe, tree: Tree, open_blob: Any, put: Any) -> tuple[RecipeOutcome, bytes]:
    source = RecordSource(tree, "document/1", FieldRoles())
    table = io.BytesIO()
    with tempfile.TemporaryDirectory() as work:
        engine = Engine(recipe, source, open_blob, WorkFolder(Path(work)))
        engine.run()
        with (
            DecisionWriter(table, SALT) as writer,
            OutcomeWriter(recipe, source, writer, put, Path(work)) as outcomes,
        ):
            outcome = outcomes.write(engine.findings)
    return outcome, table.getvalue()


def test_damaged_decision_tables_are_refused() -> None:
    good = encode_decisions([Decision("kept", file=0)])
    assert [row.file for row in decode_decisions(good)] == [0]
    for data in (b"", b"PAR1", good[:-10], b"x" * 100):
        with pytest.raises(FormatError):
            list(decode_decisions(data))


@pytest.mark.skipif(
    not Path("/usr/share/common-licenses").is_dir(), reason="no common licences on this system"
)
def test_real_licence_texts(bench: Any) -> None:
    texts = {
        f"{path.name}.txt": path.read_bytes()
        for path in sorted(Path("/usr/share/common-licenses").iterdir())
        if path.is_file()
    }
    bench.write(texts)
    bench.commit()
    result = bench.filter(
        'recipe = 1\n[[step]]\nuse = "drop-empty/1"\n[[step]]\nuse = "redact/1"\n'
        '[[step]]\nuse = "drop-duplicates/1"\n'
    )
    tree = bench.repo.tree(result.manifests[""])
    for entry in tree.entries:
        assert b"http://" not in bench.repo.blobs.read(entry.blake3, max_bytes=1 << 20)
    assert result.counts[""]["in"] == len(texts)
