"""``decontaminate/1``: what is found of a test set, and which right it asks for."""

from datetime import timedelta
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.credentials.terms.model import Use
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.recipes.filters.contract import Drop, FilterRecord, Keep, OtherRecord
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.rights.recorded import check_rights as rights_of_runs
from lyrikstore.verify.rights.required import check_rights
from tests.credentialed import log_credential
from tests.curate.conftest import NOW, Bench
from tests.curate.tried import decided, row, step
from tests.lineages import lineage_of

CLAUSE = "the lessee shall return the premises in the state in which they were handed over"
RECIPE = 'recipe = 1\n[[step]]\nuse = "decontaminate/1"\nagainst = "acme/test"\n'


def bound(records: list[FilterRecord], more: str = "") -> Any:
    made = step('use = "decontaminate/1"\nagainst = "acme/test"\n' + more)
    assert made.refs == ("acme/test",)
    return made.bind(made.prepare(iter(records)))


def test_texts_and_13_words_in_a_row_are_found() -> None:
    test = [row(0, text="A Question?"), row(1, text=CLAUSE), row(2, text=" "), row(3, text=CLAUSE)]
    records = [
        row(0, text="A Question?"),
        row(1, text="a  question?"),
        row(2, text="Clause 7: " + CLAUSE.upper().replace(" ", ", ") + "."),
        row(3, text=" ".join(CLAUSE.split()[:12])),
        row(4, text="a question"),
        row(5, text=" "),
        row(6, text=""),
    ]
    found = decided(bound(test), *records)
    assert [(one.reason, one.other) for one in found[:3] if isinstance(one, Drop)] == [
        ("overlap-exact", OtherRecord(0, 0)),
        ("overlap-normalised", OtherRecord(0, 0)),
        ("overlap-13-gram", OtherRecord(0, 1)),
    ]
    assert found[3:] == [Keep()] * 4
    (reported,) = decided(bound(test, "report = true"), records[1])
    assert isinstance(reported, Keep)
    (one,) = reported.reports
    assert (one.reason, one.other) == ("overlap-normalised", OtherRecord(0, 0))


def test_a_test_set_without_texts_is_refused() -> None:
    for records in ([], [row(text=" ")], [row(_texts=(), text="x")]):
        with pytest.raises(InvalidInputError) as caught:
            bound(records)
        assert caught.value.kind == "no-text"


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"a.pdf": b"%PDF-1.7\n" + CLAUSE.encode()}, "undecodable-text"),
        ({"a.txt": CLAUSE.encode("utf-16")}, "undecodable-text"),
    ],
)
def test_what_cannot_be_read_is_not_compared_with(
    bench: Bench, files: dict[str, str | bytes], kind: str
) -> None:
    bench.write({"a.txt": CLAUSE})
    bench.commit()
    (bench.data / "a.txt").unlink()
    bench.write(files)
    bench.commit("acme/test")
    with pytest.raises(InvalidInputError) as caught:
        bench.filter(RECIPE)
    assert caught.value.kind == kind


def run_on(bench: Bench, name: str, dataset: Manifest, rights: list[Any]) -> Manifest:
    """Return a logged run that trained on ``dataset`` by some rights."""
    run = sign_manifest(
        kind="run",
        store=bench.repo.store_id,
        name=f"runs/acme/{name}",
        body={
            "purpose": "train",
            "config": {},
            "seed": 1,
            "order": {"function": "shuffle/1", "records": {"train": 3}},
            "environment": {"python": "3.11", "platform": "x", "packages": {}, "threads": 1},
            "code": {"package": "x", "version": "1", "digest": str(Digest.of(b"code"))},
            "plannedOutputs": ["checkpoints/acme/classifier"],
            "rights": [right.to_json() for right in rights],
        },
        inputs=[Input("train", "dataset", dataset.id)],
        signer=signer_for("owner"),
        created=NOW,
    )
    with open_transaction(bench.repo) as transaction:
        transaction.log_manifest(run)
        transaction.commit()
    return run


def test_a_test_set_needs_the_right_to_evaluate_and_no_other(bench: Bench) -> None:
    bench.write({"a.txt": CLAUSE, "b.txt": "another text"})
    docs = bench.commit().manifest
    bench.write({"b.txt": "a question"})
    test = bench.commit("acme/test").manifest
    (derived,) = bench.filter(RECIPE).manifests.values()
    assert [item.role for item in derived.inputs] == ["source", "filter", "against"]
    assert derived.made_from == [docs.id]
    # What it was compared with is asked for through a further filter, too.
    (further,) = bench.filter(
        'recipe = 1\n[[step]]\nuse = "drop-empty/1"\n', "acme/clean", to="acme/further"
    ).manifests.values()
    trust = Trust((TrustedIssuer(did=signer_for("owner").did, nickname="me"),))
    use = Use(("train",), NOW)
    valid = (NOW, NOW + timedelta(days=10))

    def permit(manifest: Manifest, *words: str) -> None:
        log_credential(bench.repo, manifest, signer_for("owner"), words, valid)

    def ask() -> list[Any]:
        return check_rights(bench.repo, [further], use, trust=trust)

    permit(docs, "train")
    with pytest.raises(PolicyError, match="may not be used to evaluate") as caught:
        ask()
    assert caught.value.details["missing"][0]["name"] == "datasets/acme/test"
    assert "--permit evaluate" in caught.value.hint
    forced = run_on(bench, "forced", further, check_rights(bench.repo, [docs], use, trust=trust))
    permit(test, "evaluate")
    rights = ask()
    assert [one.dataset for one in rights] == [docs.id, test.id]
    run = run_on(bench, "right", further, rights)
    known = [bench.repo.manifest(item) for item in (further.id, derived.id, docs.id, test.id)]
    for one, state in ((run, "pass"), (forced, "fail")):
        ancestry = lineage_of(one, *known)
        found = rights_of_runs(bench.repo, ancestry, trust=trust, at=NOW)
        assert found.state.value == state, found
        assert ("acme/test" in found.summary) == (state == "fail")
