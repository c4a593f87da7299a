"""What rests on something: every link once, shortest paths, nothing unread left unsaid."""

from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, IncompleteError, StorageError, VerificationError
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.issue import issue, reference_to
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata
from lyrikstore.credentials.model.grant import build_grant
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input
from lyrikstore.index.impact import MAX_PATH, Impact, impact_of
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.testing.keys import signer_for


def summary(impact: Impact) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """Return kind, name and the roles of the path of all that is affected."""
    return [
        (one.kind, one.name, tuple(step.role for step in path)) for one, _, path in impact.paths()
    ]


def of(chain: Any, nickname: str) -> Impact:
    return impact_of(chain.repository, [chain.made[nickname].id])


def log_credential(chain: Any, data: bytes) -> Digest:
    with open_transaction(chain.repository) as tx:
        identity = tx.log_credential(data)
        tx.commit()
    return identity


def log_grant(chain: Any, terms: Digest) -> Digest:
    data = chain.repository.credential(terms)
    clock = chain.clock()
    document = build_grant(
        CredentialMetadata(chain.signer.did, clock, clock.replace(year=clock.year + 1)),
        Claims.of(parse(data)["credentialSubject"]),
        terms=reference_to(data),
        holder=signer_for("buyer").did,
        permits=["train"],
    )
    return log_credential(chain, issue(document, chain.signer, clock))


def log_run(chain: Any, nickname: str, *, decision: Any = None, **right: str) -> Any:
    """Log a run like the chain's, whose right is another; a decision may permit it."""
    run = chain.made["run"]
    rights = [{**run.body["rights"][0], **right}]
    inputs = [Input("train", "dataset", chain.made["train"].id)]
    if decision is not None:
        inputs.append(Input("decision", "decision", decision.id))
    name = f"runs/acme/{nickname}"
    return chain.log(
        nickname, kind="run", name=name, body={**run.body, "rights": rights}, inputs=inputs
    )


def test_a_dataset_is_followed_to_all_that_rests_on_it(full_chain: Any) -> None:
    found = of(full_chain, "raw")
    assert summary(found) == [
        ("dataset", "datasets/acme/clean.train", ("source",)),
        ("run", "runs/acme/classifier", ("source", "train")),
        ("checkpoint", "checkpoints/acme/classifier", ("source", "train")),
        ("evaluation", "evaluations/acme/classifier", ("source", "train")),
    ]
    assert [one.index for one in found.affected] == sorted(one.index for one in found.affected)
    assert not found.unfollowed
    assert found.affected[0].counts == {
        "in": 4,
        "kept": 3,
        "dropped": 1,
        "changed": 1,
        "elsewhere": 0,
    }
    assert {one.id for one in found.affected} == {
        full_chain.made[name].id for name in ("train", "run", "checkpoint", "evaluation")
    }


def test_filters_bases_runs_and_checkpoints_are_followed(full_chain: Any) -> None:
    assert [kind for kind, *_ in summary(of(full_chain, "filter"))] == [
        *("dataset", "run", "checkpoint", "evaluation"),
    ]
    assert summary(of(full_chain, "base")) == [
        ("run", "runs/acme/classifier", ("base",)),
        ("checkpoint", "checkpoints/acme/classifier", ("base",)),
        ("evaluation", "evaluations/acme/classifier", ("base", "checkpoint")),
    ]
    assert summary(of(full_chain, "checkpoint")) == [
        ("evaluation", "evaluations/acme/classifier", ("checkpoint",))
    ]
    nothing = of(full_chain, "evaluation")
    assert not nothing.affected
    assert not nothing.unfollowed


def test_packs_and_waivers_are_followed_by_the_decisions_that_name_them(chain: Any) -> None:
    chain.decide()
    log_run(chain, "decided", decision=chain.made["decision"])
    for root, role in (("pack", "rules"), ("waiver", "waiver")):
        assert [one for one in summary(of(chain, root)) if one[0] != "waiver"] == [
            ("decision", "decisions/acme/decided.train", (role,)),
            ("run", "runs/acme/decided", (role, "decision")),
        ]


def test_a_credential_is_followed_by_right_by_subject_and_by_grant(chain: Any) -> None:
    grant = log_grant(chain, chain.credential)
    log_run(chain, "granted", grant=str(grant))
    log_run(chain, "other", credential=str(Digest.of(b"another")))
    found = impact_of(chain.repository, [chain.credential])
    assert [(name, path) for _, name, path in summary(found) if "runs" in (name or "")] == [
        ("runs/acme/classifier", ("rights",)),
        ("runs/acme/granted", ("rights",)),
        ("runs/acme/other", ("subject", "source", "train")),
    ]
    assert ("dataset", "datasets/acme/contracts", ("subject",)) in summary(found)
    assert [path for kind, _, path in summary(found) if kind == "grant"] == [("terms",)]
    # A grant is about a dataset, which does not rest on it.
    assert summary(impact_of(chain.repository, [grant])) == [
        ("run", "runs/acme/granted", ("rights",)),
    ]


def test_another_spelling_of_a_credential_is_that_credential(chain: Any) -> None:
    document = parse(chain.repository.credential(chain.credential))
    other = log_credential(chain, b" " + encode(document))
    run = log_run(chain, "respelled", credential=str(other))
    assert run.id in {one.id for one in impact_of(chain.repository, [chain.credential]).affected}
    affected = impact_of(chain.repository, [other]).affected
    assert {run.id, chain.made["run"].id} <= {one.id for one in affected}


def test_a_credential_about_what_was_imported_is_about_the_import(chain: Any) -> None:
    foreign = chain.made["raw"]
    body = {key: value for key, value in foreign.body.items() if key != "licence"}
    imported = chain.log(
        "imported",
        kind="dataset",
        name="datasets/acme/imported",
        body={**body, "origin": "imported"},
        tree=foreign.tree,
        files=foreign.files,
        attachments=[Attachment("foreign-manifest", foreign.id, len(foreign.data))],
    )
    found = impact_of(chain.repository, [chain.credential])
    assert ("dataset", imported.name, ("subject",)) in summary(found)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (IncompleteError("blob-lost", "lost"), "missing"),
        (IncompleteError("not-fetched", "a partial clone"), "missing"),
        (FormatError("bad-list", "in a circle"), "damaged"),
        (VerificationError("blob-damaged", "damaged"), "damaged"),
        (StorageError("io", "input/output error"), "unreadable"),
    ],
)
@pytest.mark.parametrize("nickname", ["train", "credential"])
def test_what_cannot_be_read_is_named(
    chain: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str, nickname: str
) -> None:
    other = log_grant(chain, chain.credential)
    gone = chain.made["train"].id if nickname == "train" else other
    read = BlobStore.read

    def fail(self: BlobStore, digest: Digest, **options: Any) -> bytes:
        if digest == gone:
            raise error
        return read(self, digest, **options)

    monkeypatch.setattr(BlobStore, "read", fail)
    root = chain.made["raw"].id if nickname == "train" else chain.credential
    found = impact_of(chain.repository.afresh(), [root])
    assert [(one.id, one.kind) for one in found.unfollowed] == [(gone, kind)]
    if nickname == "train":  # what lies beyond cannot be known; the rest is told all the same
        assert found.affected == ()
        assert summary(of(chain, "base"))


def test_bytes_that_are_no_manifest_hide_nothing_and_stop_nothing(chain: Any) -> None:
    with open_transaction(chain.repository) as tx:
        tx._log("manifest", tx.writer.put_bytes(b"{}"))
        tx.commit()
    found = of(chain, "raw")
    assert len(found.affected) == 4
    assert not found.unfollowed


def test_a_long_chain_is_shown_in_pieces(chain: Any) -> None:
    above = chain.made["raw"]
    body = {
        **{key: value for key, value in above.body.items() if key != "licence"},
        "origin": "filtered",
        "derivation": {
            "counts": {"in": 4, "kept": 4, "dropped": 0, "changed": 0, "elsewhere": 0},
            "dropped": {},
            "changed": {},
        },
    }
    table = chain.made["train"].attachments
    deep = MAX_PATH + 3
    for number in range(deep):
        above = chain.log(
            f"deep{number}",
            kind="dataset",
            name=f"datasets/acme/deep{number}",
            body=body,
            tree=above.tree,
            files=above.files,
            inputs=[
                Input("source", "dataset", above.id),
                Input("filter", "filter", chain.made["filter"].id),
            ],
            attachments=table,
        )
    found = of(chain, "raw")
    last = next(one for one in found.affected if one.id == above.id)
    start, path = found.path(last)
    assert len(path) == MAX_PATH
    assert start == chain.made["deep2"].id
    rest = next(one for one in found.affected if one.id == start)
    assert found.path(rest)[0] == chain.made["raw"].id
