"""Deployed folders whose rights rest on grants, on limits of use, or on some partitions."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import make_credentials as made
from deployed import (
    DEPLOYED,
    RIGHT,
    RUN,
    THEN,
    TRAINER,
    WORLD,
    checkpoint_of,
    revoked_list,
    run_of,
)
from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.issue import issue, reference_to
from lyrikstore.credentials.model.credential import DATASET, Claims, CredentialMetadata
from lyrikstore.credentials.model.grant import build_grant
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.multikey import encode_multikey

Parts = dict[str, Any]
Row = tuple[str, str, dict[str, str], Parts, dict[str, Any]]
"""Id, verdict, checks, parts of the folder, what the verifier has besides."""

ID = "urn:uuid:0000002{}-6c86-4f0e-9a44-6a1f2a0f6f1b"
START, END = datetime(2026, 11, 20, tzinfo=UTC), datetime(2027, 10, 1, tzinfo=UTC)
BUYER = "did:web:buyer.example"
RIGHTS = "deployment.rights"

TERMS = made.resigned(
    WORLD.credential,
    lambda d: d["credentialSubject"].update(
        licence={
            **d["credentialSubject"]["licence"],
            "partitions": [made.part(permits=["evaluate"], grantable=["train", "commercialUse"])],
        }
    ),
)
"""Terms under which nobody may train but whom it is granted to."""


def claims_of(credential: bytes) -> Claims:
    """Return what a dataset credential says."""
    claims = OpenedCredential(credential).claims_as(DATASET)
    if claims is None:
        raise ValueError("no dataset credential")
    return claims


def grant(
    signer: KeySigner = made.OWNER,
    terms: bytes = TERMS,
    holder: str = TRAINER.did,
    until: datetime = END,
    start: datetime = START,
    **changes: Any,
) -> bytes:
    """Return a grant under the terms."""
    unsigned = build_grant(
        CredentialMetadata(signer.did, start, until, id=ID.format(0)),
        claims_of(terms),
        terms=reference_to(terms),
        holder=holder,
        **{"permits": ["train"], **changes},
    )
    return issue(unsigned, signer, made.NOW)


GRANT = grant()


def folder(
    credential: bytes = TERMS,
    grants: tuple[bytes, ...] = (GRANT,),
    use: Any = None,
    right: dict[str, Any] | None = None,
    more: tuple[dict[str, Any], ...] = (),
    **parts: Any,
) -> Parts:
    """Return a folder without card and evaluations, whose run recorded these rights."""
    recorded = {**RIGHT, "credential": str(Digest.of(credential)), "permits": ["train"]}
    if grants:
        recorded["grant"] = str(Digest.of(grants[0]))
    config = {**RUN.body["config"], **({} if use is None else {"use": use})}
    run = run_of(rights=[*more, {**recorded, **(right or {})}], config=config)
    bare = {"evaluations": (), "card": None, "approvals": ()}
    return {
        **bare, "run": run, "checkpoint": checkpoint_of(run), "credentials": (credential, *grants),
        **parts,
    }  # fmt: skip


def limited(**limits: Any) -> bytes:
    """Return a grant within limits."""
    return grant(limits={"type": "TermLimits", **limits})


def rows_of_grants() -> list[Row]:
    """Return the cases."""
    return [*_of_grants(), *_of_uses(), *_of_partitions(), *_of_organisations()]


def _case(name: str, verdict: str, reason: str, parts: Parts, **given: Any) -> Row:
    return name, verdict, {RIGHTS: reason}, parts, given


def _of_grants() -> list[Row]:
    def status(purpose: str, at: datetime, of: bytes = GRANT) -> Parts:
        digest = Digest.of(of)
        name = f"credential-{digest.short}-{purpose}.json"
        return folder(also={name: revoked_list(purpose, at, of=digest)})

    before = THEN - timedelta(hours=1)
    return [
        _case("granted-in-place-of-terms", "trusted", "stated", folder()),
        _case("granted-and-expired", "trusted", "stated", folder(), at="2028-01-01T00:00:00Z"),
        ("granted-and-nobody-trusted", "valid",
         {RIGHTS: "unknown-issuer", "store.genesis": "unknown-founder"}, folder(),
         {"trust": "version = 1\n"}),
        _case("not-granted", "invalid", "not-stated", folder(grants=())),
        _case("granted-under-other-terms", "invalid", "unsound",
              folder(grants=(grant(terms=WORLD.credential),))),
        _case("granted-beyond-the-terms", "invalid", "exceeds",
              folder(grants=(grant(permits=["train", "redistribute"]),))),
        _case("granted-for-another-use", "invalid", "not-stated",
              folder(grants=(grant(permits=["commercialUse"]),))),
        _case("grant-expired-before", "invalid", "expired",
              folder(grants=(grant(until=THEN - timedelta(days=1)),))),
        _case("grant-of-later", "invalid", "not-yet-valid",
              folder(grants=(grant(start=THEN + timedelta(days=1)),))),
        _case("grant-recorded-with-another-issuer", "invalid", "other-issuer",
              folder(right={"issuer": made.MALLORY.did})),
        _case("grant-revoked-since", "valid", "taken-back-later", status("revocation", DEPLOYED)),
        _case("grant-suspended-before", "invalid", "suspended", status("suspension", before)),
        _case("terms-revoked-since", "valid", "taken-back-later",
              status("revocation", DEPLOYED, TERMS)),
        _case("terms-revoked-before", "invalid", "revoked", status("revocation", before, TERMS)),
        _case("one-right-of-two", "trusted", "stated",
              folder(more=({**RIGHT, "credential": str(Digest.of(TERMS))},))),
    ]  # fmt: skip


def _of_uses() -> list[Row]:
    terms = made.resigned(WORLD.credential, made.term("limits", {
        "type": "TermLimits", "territory": ["DE"], "seats": 5, "purposes": ["healthcare"],
    }))  # fmt: skip
    use = {"territory": ["DE-BY"], "seats": 5, "purposes": ["healthcare"]}

    def used(**changes: Any) -> Parts:
        declared = {name: value for name, value in {**use, **changes}.items() if value is not None}
        return folder(terms, grants=(), use=declared)

    late, early = "2026-11-25T08:00:00Z", "2026-11-25T10:00:00Z"
    return [
        _case("within-limits", "trusted", "stated", used()),
        _case("in-another-country", "invalid", "prohibited", used(territory=["DE", "AT"])),
        _case("by-too-many", "invalid", "prohibited", used(seats=6)),
        _case("for-another-purpose", "invalid", "prohibited", used(purposes=["education"])),
        _case("nowhere-declared", "invalid", "undeclared", used(territory=None)),
        _case("also-for-more", "invalid", "not-stated", used(also=["commercialUse"])),
        _case("use-in-another-form", "invalid", "bad-use", used(seats="5")),
        _case("grant-used-within-limits", "trusted", "stated",
              folder(grants=(limited(territory=["AT"], useFrom=late, useUntil=early),),
                     use={"territory": ["AT"]})),
        _case("grant-used-elsewhere", "invalid", "prohibited",
              folder(grants=(limited(territory=["AT"]),), use={"territory": ["DE"]})),
        _case("grant-used-undeclared", "invalid", "undeclared",
              folder(grants=(limited(seats=5),))),
        _case("grant-used-too-early", "invalid", "prohibited",
              folder(grants=(limited(useFrom=early),))),
        _case("grant-used-too-late", "invalid", "prohibited",
              folder(grants=(limited(useUntil=late),))),
    ]  # fmt: skip


def _of_partitions() -> list[Row]:
    count = {"fileCount": 0, "byteSize": "0", "recordCount": "0"}
    closed = made.part(
        name="closed", permits=["evaluate"], prohibits=["train"],
        select=[{"type": "PathSelector", "path": "a"}], **count,
    )  # fmt: skip

    def divided(**right: Any) -> Parts:
        terms = made.resigned(WORLD.credential, lambda d: d["credentialSubject"]["licence"].update(
            partitions=[made.part(name="open"), closed]))  # fmt: skip
        return folder(terms, grants=(), right=right)

    imported = made.resigned(WORLD.credential, lambda d: d["credentialSubject"].update(
        store=f"urn:blake3:{'ab' * 32}", manifest=f"urn:blake3:{'ac' * 32}"))  # fmt: skip
    return [
        _case("a-permitted-partition", "trusted", "stated", divided(partitions=["open"])),
        _case("a-prohibited-partition", "invalid", "prohibited", divided(partitions=["closed"])),
        _case("all-partitions", "invalid", "prohibited", divided()),
        _case("imported-data", "trusted", "stated", folder(imported, grants=())),
    ]


def _of_organisations() -> list[Row]:
    own, other = (encode_multikey(one.public) for one in (TRAINER, made.MALLORY))
    bought = folder(grants=(grant(holder=BUYER),))

    def pinned(key: str) -> dict[str, str]:
        text = json.dumps(build_document(BUYER, {key: key}))
        owner = f'version = 1\n\n[[issuer]]\ndid = "{made.OWNER.did}"\nnickname = "Acme"\n'
        return {"trust": f"{owner}\n[[document]]\ndid = \"{BUYER}\"\ninline = '{text}'\n"}

    return [
        _case("granted-to-an-organisation", "trusted", "stated", bought, **pinned(own)),
        _case("granted-to-an-organisation-unknown", "incomplete", "no-document", bought),
        _case("granted-to-an-organisation-of-others", "invalid", "other-holder", bought,
              **pinned(other)),
    ]  # fmt: skip
