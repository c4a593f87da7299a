"""Licence grants as rights: what the terms do not give to everybody, the trainer has by name."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    PolicyError,
    VerificationError,
)
from lyrikstore.canon.json import parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES as ENTRIES
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.issue import issue, reference_to
from lyrikstore.credentials.model.attestation import build_attestation
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata
from lyrikstore.credentials.model.grant import build_grant
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_entry import StatusEntry, status_entries
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.credentials.terms.model import Partition, Terms, UsageLimits, Use
from lyrikstore.credentials.trust import PinnedDocument, Trust, TrustedIssuer
from lyrikstore.crypto.keys.signer import OrganisationSigner, Signer
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.curate.terms.sources import Asker, sources_of_datasets
from lyrikstore.history.commit.policy_change import change_policy, revoked
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, sign_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.publish.imports.import_credentials import import_credentials
from lyrikstore.publish.issue.grant import Licence, grant_licence
from lyrikstore.publish.status.book import StatusBook
from lyrikstore.publish.status.changes import set_status
from lyrikstore.publish.status.publish_lists import file_names
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.credential.grant import check_grant
from lyrikstore.verify.credential.status import logged_notices
from lyrikstore.verify.rights.required import Right, check_rights
from tests.credentialed import log_credential

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWNER, TRAINER, OTHER = (signer_for(name) for name in ("owner", "trainer", "other"))
TRUST = Trust((TrustedIssuer(did=OWNER.did, nickname="me"),))
STATUS = "https://data.example/status"
TERMS = Terms(
    (
        Partition(
            "all",
            permits=("evaluate",),
            prohibits=("reidentify",),
            grantable=("train", "commercialUse"),
            limits=UsageLimits(seats=10),
        ),
    )
)


@pytest.fixture
def terms(bench: Any) -> bytes:
    """A dataset whose credential lets nobody train, but lets its issuer grant it."""
    return issued(bench, OWNER)


def issued(bench: Any, issuer: Signer, terms: Terms = TERMS) -> bytes:
    """Return the logged credential of a new dataset."""
    bench.write({"a.txt": b"the first", "b.txt": b"the second"})
    bench.commit()
    source = bench.repo.resolve("acme/docs")
    return log_credential(bench.repo, source, issuer, terms, (AT, AT + timedelta(days=10)))


def grant(bench: Any, terms: bytes, **changes: Any) -> Any:
    options: dict[str, Any] = {
        "holder": TRAINER.did,
        "permits": ["train"],
        "until": AT + timedelta(days=5),
        "seats": 3,
        "status_url": STATUS,
        "signer": OWNER,
        "clock": lambda: AT,
    }
    options |= changes
    signed = {name: options.pop(name) for name in ("signer", "clock")}
    named = {name: options.pop(name) for name in Issuance.__struct_fields__ if name in options}
    return grant_licence(bench.repo, terms, Licence(**options), Issuance(**named), **signed)


def ask(bench: Any, *acts: str, user: str | None = TRAINER.did, **changes: Any) -> list[Right]:
    trust = changes.pop("trust", TRUST)
    use = Use(acts or ("train",), **{"at": AT, "seats": 2, **changes})
    return check_rights(bench.repo, [bench.repo.resolve("acme/docs")], use, trust=trust, user=user)


def refused(words: str, *arguments: Any, **changes: Any) -> None:
    with pytest.raises(PolicyError, match=words):
        ask(*arguments, **changes)


def test_nobody_grants_in_the_name_of_another_organisation(bench: Any, terms: bytes) -> None:
    with pytest.raises(PolicyError, match=f"only {OWNER.did} can grant"):
        grant(bench, terms, organisation="did:web:other.example")


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


def test_a_grant_taken_back_is_none(bench: Any, terms: bytes) -> None:
    made = grant(bench, terms)
    assert ask(bench)
    for at, purpose, value in (
        (AT + timedelta(minutes=10), "suspension", True),
        (AT + timedelta(minutes=20), "suspension", False),
        (AT + timedelta(minutes=30), "revocation", True),
    ):
        set_status(
            bench.repo,
            StatusBook.of(bench.repo),
            str(made.id),
            purpose,
            value=value,
            signer=OWNER,
            clock=lambda at=at: at,
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
        ({"permits": ["trian"]}, "unknown-word", "no known permission"),
        ({"purposes": ["science"]}, "unknown-word", "no known purpose"),
        ({"territory": ["UK"]}, "unknown-word", "no ISO 3166 code"),
        ({"until": AT}, "bad-validity", "is past"),
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
    with pytest.raises(VerificationError, match="no dataset credential"):
        grant(bench, terms.replace(b"evaluate", b"evaluato"))
    assert not StatusBook.of(bench.repo).lists


def test_nobody_takes_over_the_status_lists_of_somebody_else(bench: Any, terms: bytes) -> None:
    made = grant(bench, terms)
    (url,) = [one for one in made.lists if "revocation" in one]
    claims = Claims.of(parse(terms)["credentialSubject"])
    attestation = issue(
        build_attestation(
            CredentialMetadata(OTHER.did, AT, status=[StatusEntry("revocation", 5, url)]),
            claims,
            kind="quality",
            statement={
                "extent": "all",
                "standard": "none",
                "method": "none",
                "conclusion": "all is well",
                "limitations": ["everything"],
                "liability": "nobody",
                "results": [{"metric": "none", "value": "0"}],
            },
            documents={},
            content_checked=True,
        ),
        OTHER,
        AT,
    )
    later = AT + timedelta(minutes=5)
    forged = sign_list(url, "revocation", bytes(ENTRIES // 8), OTHER, later, timedelta(days=9))

    def take(wanted: dict[str, bytes], beside: dict[str, bytes]) -> Any:
        return import_credentials(
            bench.repo,
            StatusBook.of(bench.repo),
            wanted,
            beside,
            trust=TRUST,
            clock=lambda: later,
        )

    with pytest.raises(VerificationError, match="another issuer"):
        take({"list.json": forged}, {})
    # Below the URL of ours, but a list of its own: it takes nothing back here, nor keeps ours from.
    taken = take({"attestation.json": attestation}, {"list.json": forged})
    assert taken.logged == (Digest.of(attestation), Digest.of(forged))
    lists = StatusBook.of(bench.repo).lists
    assert lists[url, OWNER.did].data == made.lists[url]
    assert lists[url, OTHER.did].data == forged
    assert [
        (name, one.data)
        for name, one in file_names([lists[url, OWNER.did], lists[url, OTHER.did]]).items()
    ] == [
        (url.rpartition("/")[2], made.lists[url]),
        (url.removeprefix("https://"), forged),
    ]
    assert take({"attestation.json": attestation}, {}).logged == ()
    assert ask(bench)  # and what it says gives nobody a right, nor takes one


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


def test_who_lacks_a_right_is_told_what_he_or_the_publisher_can_do(
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


def test_a_copy_of_an_organisations_document_gives_no_right(bench: Any) -> None:
    web = "did:web:acme.example"
    terms = issued(bench, OrganisationSigner(OWNER, web))
    key = encode_multikey(OWNER.public)
    document = json.dumps(build_document(web, {key: key})).encode()
    grant(bench, terms, did_document=document)  # which logs it: whoever hands it over wrote it
    named = Trust((TrustedIssuer(did=web, nickname="Acme"),))
    refused("taken in with it", bench, "evaluate", trust=named)
    refused("taken in with it", bench, trust=named)
    pinned = replace(named, documents=(PinnedDocument(web, document),))
    assert ask(bench, "evaluate", trust=pinned)[0].issuer == web
    (right,) = ask(bench, trust=pinned)
    assert right.grant is not None
    datasets = [bench.repo.resolve("acme/docs")]
    for trust, known in ((named, False), (pinned, True)):
        (source,) = sources_of_datasets(bench.repo, datasets, Asker(trust, AT))
        assert (source.verdict == "trusted") is known, source.note


def test_a_grant_to_an_organisation_is_a_right_of_its_keys(bench: Any, terms: bytes) -> None:
    web = "did:web:buyer.example"
    made = grant(bench, terms, holder=web)
    with pytest.raises(PolicyError, match="you pinned no document") as caught:
        ask(bench)
    assert "trust add" in (caught.value.hint or "")
    document = build_document(web, {key: key for key in [encode_multikey(TRAINER.public)]})
    data = json.dumps(document).encode()
    # ATTACK: whoever has a copy of the grant brings a document that lists another key.
    with open_transaction(bench.repo) as transaction:
        transaction.log_credential(data)
        transaction.commit()
    refused("you pinned no document", bench)
    trust = replace(TRUST, documents=(PinnedDocument(web, data),))
    (right,) = ask(bench, trust=trust)
    assert right.grant == made.id
    refused("train is not permitted", bench, trust=trust, user=OTHER.did)
    other = json.dumps({**document, "authentication": []}).encode()
    refused("train is not", bench, trust=replace(TRUST, documents=(PinnedDocument(web, other),)))
    # One that calls another key by the name of the trainer's does not list the trainer's.
    named, held = (encode_multikey(one.public) for one in (TRAINER, OTHER))
    other = json.dumps(build_document(web, {named: held})).encode()
    refused("train is not", bench, trust=replace(TRUST, documents=(PinnedDocument(web, other),)))


def test_a_grant_under_terms_by_a_stolen_key_is_none(bench: Any) -> None:
    """ATTACK: a thief issues terms for an organisation, whose other key grants under them."""
    web = "did:web:acme.example"
    terms = issued(bench, OrganisationSigner(OWNER, web))
    named = [encode_multikey(one.public) for one in (OWNER, OTHER)]
    document = json.dumps(build_document(web, {key: key for key in named})).encode()
    trust = Trust(
        (TrustedIssuer(did=web, nickname="Acme"),), documents=(PinnedDocument(web, document),)
    )
    granted = build_grant(
        CredentialMetadata(web, AT, AT + timedelta(days=5)),
        Claims.of(parse(terms)["credentialSubject"]),
        terms=reference_to(terms),
        holder=TRAINER.did,
        permits=["train"],
        limits={"type": "TermLimits", "seats": 3},
    )
    with open_transaction(bench.repo) as transaction:
        transaction.log_credential(issue(granted, OrganisationSigner(OTHER, web), AT))
        transaction.commit()
    assert ask(bench, trust=trust)[0].grant is not None
    since = bench.repo.index_of(Digest.of(terms), "credential")
    change = revoked(OWNER.did, since, OTHER.did)
    change_policy(bench.repo, change, signer=OWNER, clock=lambda: AT + timedelta(minutes=5))
    bench.repo.refresh()
    refused("key that was compromised", bench, trust=trust)


def test_nobody_signs_the_lists_of_an_organisation_but_its_own_keys(bench: Any) -> None:
    url, web = f"{STATUS}/revocation-1.json", "did:web:acme.example"
    for number, signer in enumerate((OWNER, OTHER, OWNER, OTHER)):
        made = AT + timedelta(minutes=number)
        house = OrganisationSigner(signer, web)
        data = sign_list(url, "revocation", bytes(ENTRIES // 8), house, made, timedelta(days=9))
        with open_transaction(bench.repo) as transaction:
            transaction.log_credential(data)
            transaction.commit()
    current = StatusBook.of(bench.repo).lists[url, web]
    assert current.signer == OWNER.did
    assert current.content.valid_from == AT + timedelta(minutes=2)


@pytest.mark.parametrize("stolen", [False, True])
def test_nobody_but_the_issuer_takes_a_revocation_back(
    bench: Any, terms: bytes, *, stolen: bool
) -> None:
    made = grant(bench, terms)
    urls = [one for one in made.lists if "revocation" in one]
    before = made.lists[urls[0]]
    signing = {"signer": OWNER, "clock": lambda: AT + timedelta(minutes=5)}
    book = StatusBook.of(bench.repo)
    set_status(bench.repo, book, str(made.id), "revocation", value=True, **signing)
    # Another writer logs the list from before again, spelt otherwise: or signs one, as a thief.
    again = json.dumps(parse(before), indent=1).encode()
    if stolen:
        since = len(bench.repo.entries())
        clear = bytes(ENTRIES // 8)
        later = AT + timedelta(hours=1)
        again = sign_list(urls[0], "revocation", clear, OWNER, later, timedelta(days=9))
    with open_transaction(bench.repo) as transaction:
        transaction.log_credential(again)
        transaction.commit()
    if stolen:
        change = revoked(OWNER.did, since, OTHER.did)
        change_policy(bench.repo, change, **signing)
        bench.repo.refresh()
    current = StatusBook.of(bench.repo).lists[urls[0], OWNER.did].content
    assert any(current.bits)
    (entry,) = [one for one in status_entries(parse(made.data)) if one.purpose == "revocation"]
    assert current.holds(entry.index)
    outcome = check_grant(
        OpenedCredential(made.data),
        trust=TRUST,
        at=AT + timedelta(hours=2),
        notices=logged_notices(bench.repo),
    )
    status = next(check for check in outcome.checks if check.id == "status")
    assert status.detail["reason"] == "revoked"
