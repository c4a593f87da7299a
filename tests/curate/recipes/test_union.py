"""Unions: several datasets read as one, with the terms of all (spec 12.4.1, 19.3 rule 5)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from blake3 import blake3

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, PolicyError
from lyrikstore.canon.json import encode
from lyrikstore.credentials.terms.model import Partition, Selector, Terms, Use
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.curate.recipes.explain.why import why
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.rights.required import check_rights
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.readers import Readers
from tests.contexts import context_of
from tests.credentialed import log_credential

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
TWICE = "the same text in both"


def fill(bench: Any, name: str, files: dict[str, str], rows: Any = None, **stated: Any) -> Any:
    for path in bench.data.iterdir():
        path.unlink()
    bench.write(files)
    sheet = None if rows is None else bench.sheet(rows, f"{name.replace('/', '-')}.csv")
    bench.commit(name, stated=CommitMetadata(sheet=sheet, **stated))
    return bench.repo.resolve(name)


def two(bench: Any) -> tuple[Any, Any]:
    letters = fill(
        bench,
        "acme/letters",
        {"a.txt": "dear", "b.txt": TWICE},
        [["path", "kind", "year"], ["a.txt", "letter", "1999"], ["b.txt", "letter", "2001"]],
        licence="MIT OR Apache-2.0",
        licence_text=b"the first licence",
    )
    files = {"a.txt": "whereas", "b.txt": TWICE}
    rows = [["file", "court", "kind"], ["a.txt", "BGH", "ruling"]]
    return letters, fill(bench, "jud/rulings", files, rows, licence="CC0-1.0")


def test_nothing_is_lost_and_nothing_renamed_into_another(bench: Any) -> None:
    letters, rulings = two(bench)
    result = bench.filter(None, "acme/letters", "jud/rulings", to="acme/both")
    assert result.sources == (letters, rulings)
    assert result.filter.body["recipe"]["step"] == [{"use": "union/1"}]
    both = result.manifests[""]
    assert [item.id for item in both.inputs_in("source")] == [letters.id, rulings.id]
    tree = bench.repo.tree(both)
    assert {entry.path: entry.meta for entry in tree.entries} == {
        "acme/letters/a.txt": {"kind": "letter", "year": "1999"},
        "acme/letters/b.txt": {"kind": "letter", "year": "2001"},
        "jud/rulings/a.txt": {"court": "BGH", "kind": "ruling"},
        "jud/rulings/b.txt": None,
    }
    body = both.body
    assert body["derivation"]["counts"] == {
        "in": 4, "kept": 4, "dropped": 0, "changed": 0, "elsewhere": 0,
    }  # fmt: skip
    rows = [[entry.path, entry.meta] for entry in tree.entries if entry.meta]
    lines = b"".join(encode(row) + b"\n" for row in [["path", "kind", "year", "court"], *rows])
    assert body["metadata"] == {
        "columns": ["kind", "year", "court"],
        "key": "path",
        "sheetDigest": f"blake3:{blake3(lines).hexdigest()}",
        "orphanRows": 0,
        "orphanFiles": 1,
    }
    assert body["licence"] == {"expression": "(MIT OR Apache-2.0) AND CC0-1.0"}
    assert both.attachments_in("licence-text") == letters.attachments_in("licence-text")
    assert body["descriptor"]["derivedFrom"]["value"] == [str(letters.id), str(rulings.id)]
    trust = Trust((TrustedIssuer(did=signer_for("owner").did, nickname="me"),))
    report = verify_object(
        context_of(bench.repo, trust=trust, clock=lambda: AT),
        both.id,
        readers=Readers(datasets=StoredDatasets()),
    )
    assert not [one for one in report.checks if one.state is CheckState.FAIL]
    assert bench.filter(None, "acme/letters", "jud/rulings", to="acme/both").unchanged


def test_a_recipe_works_on_all_of_it_and_why_finds_the_way_back(bench: Any) -> None:
    two(bench)
    recipe = 'recipe = 1\n[[step]]\nuse = "drop-duplicates/1"\n'
    result = bench.filter(recipe, "acme/letters", "jud/rulings", to="acme/once")
    assert [step["use"] for step in result.filter.body["steps"]] == ["union/1", "drop-duplicates/1"]
    assert result.dropped == {"duplicate": 1}
    found = why(bench.repo, "acme/once", "jud/rulings/b.txt")
    assert not found.kept
    assert found.root.name == "datasets/jud/rulings"
    assert "acme/letters/b.txt" in (found.stages[0].verdict.detail or "")
    # A union of what is a union already, after a filter of its own.
    keep = 'recipe = 1\n[[step]]\nuse = "drop-empty/1"\n'
    bench.filter(keep, "acme/letters", to="acme/clean")
    bench.filter(keep, "acme/once", "acme/clean", to="acme/all")
    found = why(bench.repo, "acme/all", "acme/once/jud/rulings/a.txt")
    assert found.kept
    assert [stage.dataset.name for stage in found.stages] == [
        "datasets/acme/once", "datasets/acme/all",
    ]  # fmt: skip
    assert found.path == "acme/once/jud/rulings/a.txt"
    assert why(bench.repo, "acme/all", "acme/clean/a.txt").root.name == "datasets/acme/letters"
    assert why(bench.repo, "acme/all", found.record[:12]) == found
    twice = why(bench.repo, "acme/letters", "a.txt").record
    with pytest.raises(InvalidInputError) as caught:
        why(bench.repo, "acme/all", twice)
    assert caught.value.kind == "ambiguous-record"
    assert caught.value.details == {"paths": ["acme/clean/a.txt", "acme/once/acme/letters/a.txt"]}


@pytest.mark.parametrize(
    ("refs", "recipe", "kind"),
    [
        (("acme/letters", "acme/lines"), None, "mixed-readers"),
        (("acme/named", "acme/lines"), None, "mixed-fields"),
        (("acme/letters", "acme/letters"), None, "named-twice"),
        (("acme/letters", "jud/con"), None, "bad-path"),
        (("acme/letters",), None, "no-recipe"),
        (("acme/letters",), 'recipe = 1\n[[step]]\nuse = "union/1"\n', "bad-recipe"),
        (("acme/letters", "jud/rulings", "acme/both"), None, "same-name"),
    ],
)
def test_what_is_no_union_is_refused_and_logs_nothing(
    bench: Any, refs: tuple[str, ...], recipe: str | None, kind: str
) -> None:
    two(bench)
    bench.write({"x.jsonl": '{"a": 1}\n'})
    for path in bench.data.iterdir():
        if path.suffix != ".jsonl":
            path.unlink()
    bench.commit("acme/lines", stated=CommitMetadata(reader="jsonl/1"))
    bench.commit("acme/named", stated=CommitMetadata(reader="jsonl/1", roles=FieldRoles(label="a")))
    fill(bench, "jud/con", {"a.txt": "x"})
    bench.filter(None, "acme/letters", "jud/rulings", to="acme/both")
    before = len(bench.repo.entries())
    with pytest.raises(LyrikstoreError) as caught:
        bench.filter(recipe, *refs, to="acme/both")
    assert caught.value.kind == kind
    assert len(bench.repo.entries()) == before


def test_the_terms_of_all_partitions_of_all_sources_hold(bench: Any) -> None:
    letters, rulings = two(bench)
    owner = signer_for("owner")
    valid = (AT, AT + timedelta(days=10))
    free = Partition("free", ("train",), select=(Selector(column="year", values=("1999",)),))
    texts = [(None, b"the first licence")]
    terms = Terms((free, Partition("rest", ("evaluate",), ("train",))))
    log_credential(bench.repo, letters, owner, terms, valid, licence_texts=texts)
    allow = 'recipe = 1\n[[step]]\nuse = "allow/1"\ncolumn = "year"\nvalues = ["1999"]\n'
    alone = bench.filter(allow, "acme/letters", to="acme/old").manifests[""]
    both = allow.replace("year", "kind").replace('"1999"', '"letter", "ruling"')
    mixed = bench.filter(both, "acme/letters", "jud/rulings", to="acme/old-mix").manifests[""]
    trust = Trust((TrustedIssuer(did=owner.did, nickname="me"),))
    use = Use(("train",), AT)
    assert check_rights(bench.repo, [alone], use, trust=trust)
    for expected in ("rest", "datasets/jud/rulings"):
        with pytest.raises(PolicyError, match=expected):
            check_rights(bench.repo, [mixed], use, trust=trust)
        # Nobody says anything of the rulings, until now; the letters keep saying no.
        log_credential(bench.repo, letters, owner, ("train",), valid, licence_texts=texts)
    log_credential(bench.repo, rulings, owner, ("train",), valid)
    rights = check_rights(bench.repo, [mixed], use, trust=trust)
    assert {right.dataset for right in rights} == {letters.id, rulings.id}


def test_from_the_command_line(publisher: Any) -> None:
    for name in ("one", "two"):
        folder = publisher.folder / name
        folder.mkdir()
        (folder / "a.txt").write_text(name)
        publisher.ok("commit", name, "-d", f"acme/{name}")
    made = publisher.ok("filter", "acme/one", "acme/two", "--as", "acme/both", "--json").json
    assert len(made["sourceVersions"]) == 2
    assert made["source"] == made["sourceVersions"][0]
    shown = publisher.ok("why", "acme/both", "acme/two/a.txt", "--json").json
    assert (shown["path"], shown["kept"]) == ("acme/two/a.txt", True)
    refused = publisher.fails(16, "filter", "acme/one", "--as", "acme/x", "--json")
    assert refused.kind == "no-recipe"
