"""Licence grants as rights: what the terms do not give to everybody, the trainer has by name."""

from datetime import timedelta
from typing import Any, cast

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError, PolicyError, VerificationError
from lyrikstore.canon.json import parse
from lyrikstore.credentials.terms.model import Partition, Terms, UsageLimits, Use
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.publish.imports import import_delivery as deliveries
from lyrikstore.publish.status.changes import set_status
from lyrikstore.publish.status.status_registry import StatusRegistry
from lyrikstore.verify.report import Report
from lyrikstore.verify.rights.required import check_rights
from tests import kinds
from tests.contexts import context_of
from tests.curate.grants.granting import (
    AT,
    OTHER,
    OWNER,
    TRAINER,
    TRUST,
    ask,
    grant,
    issued,
    refused,
)


def test_a_grant_is_a_right_of_its_holder_alone(bench: Any, terms: bytes) -> None:
    refused("train is not permitted", bench)
    made = grant(bench, terms)
    (right,) = ask(bench)
    assert right.grant == made.id
    assert right.to_json()["grant"] == str(made.id)
    assert right.valid_until == "2026-11-29T12:00:00Z"
    assert set(right.permits) == {"evaluate", "train"}
    assert ask(bench, "evaluate")[0].grant is None  # what everybody may needs no grant
    refused("train is not permitted", bench, user=OTHER.did)
    refused("train is not permitted", bench, user=None)
    refused("expired", bench, at=AT + timedelta(days=6))
    refused("for 3 people", bench, seats=4)
    refused("does not declare", bench, seats=None)
    assert ask(bench, "train", "evaluate")
    refused("commercialUse is not permitted", bench, "train", "commercialUse")
    refused("does not name", bench, trust=Trust())


def test_a_revoked_grant_is_none(bench: Any, terms: bytes) -> None:
    made = grant(bench, terms)
    assert ask(bench)
    for at, purpose, value in (
        (AT + timedelta(minutes=10), "suspension", True),
        (AT + timedelta(minutes=20), "suspension", False),
        (AT + timedelta(minutes=30), "revocation", True),
    ):
        set_status(
            context_of(bench.repo, signer=OWNER, clock=lambda at=at: at),
            str(made.id),
            purpose,
            value=value,
        )
        if value:
            refused("by its issuer", bench, at=at)
        else:
            assert ask(bench, at=at)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"permits": ["redistribute"]}, "redistribute is neither"),
        ({"permits": ["reidentify"]}, "reidentify is neither"),
        ({"seats": 11}, "limited"),
        ({"seats": None}, "limited"),
        ({"until": AT + timedelta(days=11)}, "when the terms end"),
    ],
)
def test_no_more_than_the_terms_allow(
    bench: Any, terms: bytes, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words) as caught:
        grant(bench, terms, **changes)
    assert caught.value.kind == "exceeds-terms"


def test_the_period_of_use_is_that_of_the_terms(bench: Any) -> None:
    until = AT + timedelta(days=3)
    limited = Partition("all", permits=("train",), limits=UsageLimits(use_from=AT, use_until=until))
    terms = issued(bench, OWNER, Terms((limited,)))
    made = parse(grant(bench, terms).data)["credentialSubject"]["grant"]
    assert UsageLimits.of(made["limits"]) == UsageLimits(use_from=AT, use_until=until, seats=3)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"permits": ["trian"]}, "unknown-word", "not a known permission"),
        ({"purposes": ["science"]}, "unknown-word", "not a known purpose"),
        ({"territory": ["UK"]}, "unknown-word", "ISO 3166"),
        ({"until": AT}, "bad-validity", "has passed"),
    ],
)
def test_a_grant_that_nobody_would_understand(
    bench: Any, terms: bytes, changes: dict[str, Any], kind: str, words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words) as caught:
        grant(bench, terms, **changes)
    assert caught.value.kind == kind


def test_only_the_issuer_of_sound_terms_grants(bench: Any, terms: bytes) -> None:
    with pytest.raises(PolicyError, match="only"):
        grant(bench, terms, signer=OTHER)
    with pytest.raises(VerificationError, match="not a valid dataset credential"):
        grant(bench, terms.replace(b"evaluate", b"evaluato"))
    assert not StatusRegistry.of(bench.repo).lists


def test_data_under_the_manifest_of_another_dataset_has_its_rights_from_nobody(
    bench: Any, terms: bytes
) -> None:
    licensed = bench.repo.resolve("acme/docs")
    stolen = b"data of somebody who permits nothing"
    tree = Tree.of([TreeEntry("a.txt", len(stolen), Digest.of(stolen))])
    with open_transaction(bench.repo) as transaction:
        for data in (stolen, tree.encode()):
            transaction.writer.put_bytes(data)
        carried = transaction.writer.put_bytes(licensed.data)
        manifest = sign_manifest(
            kind="dataset",
            store=bench.repo.store_id,
            name="datasets/acme/import",
            body={**licensed.body, "origin": "imported", "records": 1, "fileCount": 1},
            signer=OWNER,
            created=AT,
            tree=tree.id,
            files=tree.files_id,
            attachments=[Attachment("foreign-manifest", carried, len(licensed.data))],
        )
        transaction.log_manifest(manifest)
        transaction.commit()
    grant(bench, terms)
    assert ask(bench)  # the licensed one
    with pytest.raises(FormatError) as caught:
        check_rights(
            bench.repo, [manifest], Use(("train",), AT, seats=2), trust=TRUST, user=TRAINER.did
        )
    assert caught.value.kind == "bad-import"


def test_a_missing_right_comes_with_what_buyer_or_publisher_can_do(
    bench: Any,
) -> None:
    unlimited = Partition("all", permits=("evaluate",), grantable=("train",))
    grant(bench, issued(bench, OWNER, Terms((unlimited,))))
    with pytest.raises(PolicyError, match="3 people at most, which the use does not") as caught:
        ask(bench, seats=None)
    assert "[use]" in (caught.value.hint or "")
    theirs = bench.repo.resolve("acme/docs")
    with open_transaction(bench.repo) as transaction:
        carried = transaction.writer.put_bytes(theirs.data)
        imported = sign_manifest(
            kind="dataset",
            store=bench.repo.store_id,
            name="datasets/acme/import",
            body={**theirs.body, "origin": "imported"},
            signer=OWNER,
            created=AT,
            tree=theirs.tree,
            files=theirs.files,
            attachments=[Attachment("foreign-manifest", carried, len(theirs.data))],
        )
        transaction.log_manifest(imported)
        transaction.commit()
    with pytest.raises(PolicyError) as caught:
        check_rights(bench.repo, [imported], Use(("modify",), AT), trust=TRUST)
    assert f"lyrikstore issue {theirs.id.hex} " in (caught.value.hint or "")


def test_ones_own_delivery_is_not_bought(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "_require_sound", lambda _: None)
    credential = issued(bench, OWNER)
    with kinds.refused("own-delivery"):
        deliveries.import_delivery(
            context_of(bench.repo, signer=OWNER), credential, {}, bench.data, cast("Report", None)
        )
