"""Attacks through what a foreign credential names: status lists, schemas, resources."""

import base64
import json
from hashlib import md5, sha3_384, sha256, sha384, sha512
from typing import Any

from foreign import (
    ALICE,
    LIST_URL,
    MALLORY,
    PLACE,
    SCHEMA_URL,
    V2,
    Row,
    base,
    bits_with,
    bomb,
    edited,
    entry,
    json_schema,
    multibase,
    signed,
    sri,
    status_list,
    with_status,
)
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES as ENTRIES
from lyrikstore.credentials.model.status_list import pack
from lyrikstore.crypto.keys.signer import KeySigner

INSIDE = "https://schema.example/inside.json"
META_SCHEMA = {
    "id": "https://www.w3.org/ns/credentials/json-schema/v2.json",
    "type": "JsonSchema",
    "digestSRI": "sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW",
}


def status_rows() -> list[Row]:
    """Status lists that lie, and entries that cannot be read."""
    good, plain = status_list(), with_status()
    revoked = status_list(bits_with(1))
    words = ("open", "held", "withdrawn", "lost")
    two = {"statusSize": 2, "statusMessage": [
        {"status": f"{number:#x}", "message": word}
        for number, word in enumerate(words)]}  # fmt: skip

    def row(name: str, verdict: str, reason: str, document: str, *lists: Any) -> Row:
        return f"status-{name}", verdict, {"status": reason}, {"document": document,
                                                               "lists": list(lists)}  # fmt: skip

    def unsound(name: str, text: Any) -> Row:
        return row(name, "incomplete", "unsound-list", plain, text)

    def unread(name: str, **changes: Any) -> Row:
        return row(name, "invalid", "bad-entry", with_status(**changes), good)

    def said(value: int, word: str) -> Row:
        text = with_status(statusPurpose="message", **two)
        held = status_list(bits_with(value, size=2), statusPurpose="message")
        name, verdict, checks, given = row(f"message-{word}", "trusted", "message", text, held)
        detail = {"status": {"value": value, "message": word}}
        return name, verdict, checks, {**given, "detail": detail}

    def spelt(text: str) -> list[str]:
        return [json.dumps(parse(text.encode()), indent=width) for width in range(8)]

    other = "https://status.example/2"
    both = signed(base(credentialStatus=[
        entry(), entry(statusPurpose="suspension", statusListCredential=other)]))  # fmt: skip

    def held(said: str) -> str:
        bits = bits_with(int(said == "set"))
        return status_list(bits, id=other, statusPurpose="suspension")

    unsigned = encode({n: v for n, v in parse(good.encode()).items() if n != "proof"}).decode()
    return [
        row("good", "trusted", "pass", plain, good),
        row("revoked", "invalid", "revoked", plain, revoked),
        row("buried", "invalid", "revoked", plain,
            *spelt(status_list(validFrom="2026-11-10T00:00:00Z")), revoked),
        row("buried-in-ties", "incomplete", "too-many-lists", plain, *spelt(good), revoked),
        row("revoked-however-old", "invalid", "revoked", plain,
            status_list(bits_with(1), validFrom="2020-01-01T00:00:00Z",
                        validUntil="2020-02-01T00:00:00Z")),
        row("suspended", "invalid", "suspended", with_status(statusPurpose="suspension"),
            status_list(bits_with(1), statusPurpose="suspension")),
        row("several-purposes", "trusted", "pass", plain,
            status_list(statusPurpose=["suspension", "revocation"])),
        row("unknown-purpose-set", "invalid", "set", with_status(statusPurpose="excommunication"),
            status_list(bits_with(1), statusPurpose="excommunication")),
        *(said(value, word) for value, word in enumerate(words) if value),
        row("message-zero", "trusted", "pass", with_status(statusPurpose="message", **two),
            status_list(bits_with(0, size=2), statusPurpose="message")),
        row("refresh", "trusted", "refresh", with_status(statusPurpose="refresh"),
            status_list(bits_with(1), statusPurpose="refresh")),
        row("no-list", "incomplete", "no-list", plain),
        row("other-url", "incomplete", "no-list", plain, status_list(id="https://other.example/1")),
        row("other-issuer", "incomplete", "foreign-list", plain, status_list(signer=MALLORY)),
        unsound("foreign-key", edited(status_list(signer=MALLORY),
                                      lambda d: d.update(issuer=ALICE.did))),
        unsound("unsigned", unsigned),
        unsound("edited", good.replace("2026-11-20", "2026-11-22")),
        row("list-untyped", "incomplete", "no-list", plain,
            status_list(type=["VerifiableCredential"])),
        unsound("subject-untyped", signed_list_without_subject_type()),
        unsound("signed-by-another-in-its-name", status_list(signer=MALLORY, issuer=ALICE.did)),
        unsound("graph-inside", status_list(note={"@graph": []})),
        unsound("subject-list", status_list(
            credentialSubject=[parse(good.encode())["credentialSubject"]])),
        unsound("ttl-text", status_list(ttl="300000")),
        unsound("ttl-true", status_list(ttl=True)),
        unsound("ttl-zero", status_list(ttl=0)),
        row("value-of-several-bits", "invalid", "revoked", with_status(**two),
            status_list(bits_with(2, size=2))),
        row("first-of-two-set", "invalid", "revoked", both, revoked, held("clear")),
        row("second-of-two-set", "invalid", "suspended", both, good, held("set")),
        row("second-of-two-missing", "incomplete", "no-list", both, good),
        row("taken-back-by-a-later-list", "trusted", "pass", plain,
            status_list(bits_with(1), validFrom="2026-11-19T00:00:00Z"), good),
        row("set-by-a-later-list", "invalid", "revoked", plain,
            status_list(validFrom="2026-11-19T00:00:00Z"), revoked),
        row("set-by-one-of-a-moment", "invalid", "revoked", plain, good, revoked),
        row("wrong-purpose", "incomplete", "wrong-list", plain,
            status_list(statusPurpose="suspension")),
        row("expired", "incomplete", "expired-list", plain,
            status_list(validUntil="2026-11-21T00:00:00Z")),
        row("ttl-passed", "incomplete", "expired-list", plain, status_list(ttl=60000)),
        row("stale", "incomplete", "stale-list", plain,
            status_list(validFrom="2026-10-01T00:00:00Z")),
        row("future", "incomplete", "future-list", plain,
            status_list(validFrom="2026-11-29T00:00:00Z")),
        row("undated", "incomplete", "undated-list", plain, status_list(validFrom=None)),
        row("short", "incomplete", "short-list", plain, status_list(bytes(ENTRIES // 8 - 1))),
        row("short-for-its-size", "incomplete", "short-list", with_status(**two), status_list()),
        row("out-of-range", "incomplete", "range", with_status(statusListIndex="131072"), good),
        row("far-out-of-range", "incomplete", "range", with_status(statusListIndex="9" * 99), good),
        unsound("no-multibase", status_list(encodedList=pack(bytes(ENTRIES // 8))[1:])),
        unsound("not-gzip", status_list(encodedList="uAAAA")),
        unsound("goes-on", status_list(encodedList=pack(bytes(ENTRIES // 8)) + "AAAA")),
        row("bomb-1-gib", "incomplete", "no-list", plain,  # larger than a document may be
            bomb(1024, lambda text: status_list(encodedList=text))),
        unsound("bomb-600-mib", bomb(600, lambda text: status_list(encodedList=text))),
        unread("index-number", statusListIndex=PLACE),
        unread("index-exponent", statusListIndex="9e4"),
        unread("index-blank", statusListIndex=" 94567"),
        unread("index-underscore", statusListIndex="94_567"),
        unread("index-leading-zero", statusListIndex="094567"),
        unread("index-negative", statusListIndex="-1"),
        unread("index-arabic", statusListIndex="\u0661"),
        unread("entry-is-list", id=LIST_URL),
        unread("size-zero", statusSize=0),
        unread("size-true", statusSize=True),
        unread("size-without-messages", statusSize=2),
        unread("messages-too-few", **{**two, "statusMessage": two["statusMessage"][:3]}),  # type: ignore[index]
        unread("purpose-missing", statusPurpose=None),
        row("unknown-type", "incomplete", "unknown-type",
            with_status(type="StatusList2021Entry"), good),
        row("no-signature-no-status", "invalid", "no-issuer",
            signed(base(credentialStatus=entry()), MALLORY), good),
    ]  # fmt: skip


def signed_list_without_subject_type() -> str:
    """Return a list whose subject is of another type."""
    document = parse(status_list().encode())
    del document["proof"]
    document["credentialSubject"]["type"] = "https://example.org/#StatusList"
    return signed(document)


def _schema_credential(
    schema: dict[str, Any] | None = None, signer: KeySigner = MALLORY, **changes: Any
) -> str:
    """Return a credential that holds a schema; changes as of :func:`base`."""
    inside = {**json.loads(json_schema(**{"$id": INSIDE})), **(schema or {})}
    subject = {"id": INSIDE, "type": "JsonSchema", "jsonSchema": inside}
    return signed(
        base(
            **{
                "@context": [V2],
                "id": SCHEMA_URL,
                "type": ["VerifiableCredential", "JsonSchemaCredential"],
                "issuer": signer.did,
                "credentialSchema": META_SCHEMA,
                "credentialSubject": subject,
                **changes,
            }
        ),
        signer,
    )


def _schema_credential_rows() -> list[Row]:
    """Schemas that are credentials, and what is no such thing."""
    good = _schema_credential()
    subject = parse(good.encode())["credentialSubject"]
    unsigned = encode({n: v for n, v in parse(good.encode()).items() if n != "proof"}).decode()
    web = "did:web:schema.example"

    def row(
        name: str, verdict: str, reason: str, text: str | None, *lists: str, **pins: Any
    ) -> Row:
        item = {"id": SCHEMA_URL, "type": "JsonSchemaCredential", **pins}
        document = signed(base(credentialSchema=item))
        found = {} if text is None else {"schema.json": text}
        return f"schema-credential-{name}", verdict, {"schema": reason}, {
            "document": document, "resources": found, "lists": list(lists)}  # fmt: skip

    def wrong(name: str, **changes: Any) -> Row:
        return row(name, "invalid", "failure", _schema_credential(**changes))

    status = _schema_credential(credentialStatus=entry())
    moved = _schema_credential(id="https://schema.example/other.json")
    return [
        (*row("good", "trusted", "pass", good)[:3], {
            **row("good", "trusted", "pass", good)[3],
            "detail": {"schema": {"schemaIssuer": MALLORY.did}}}),
        row("good-and-pinned", "trusted", "pass", good, digestSRI=sri(good.encode())),
        row("of-the-issuer", "trusted", "pass", _schema_credential(signer=ALICE)),
        row("of-an-older-draft", "trusted", "pass", _schema_credential(credentialSchema={
            **META_SCHEMA, "id":
            "https://www.w3.org/2022/credentials/v2/json-schema-credential-schema.json"})),
        row("not-at-hand", "incomplete", "not-at-hand", None),
        row("other-text", "invalid", "digest-mismatch", good, digestSRI=sri(b"another")),
        row("violated", "invalid", "failure", _schema_credential({"required": ["degree"]})),
        row("edited", "invalid", "failure", edited(good, lambda d: d["credentialSubject"][
            "jsonSchema"].pop("properties"))),
        row("unsigned", "invalid", "failure", unsigned),
        row("bare-schema", "invalid", "failure", json_schema().decode()),
        row("of-another-key", "invalid", "failure", _schema_credential(issuer=ALICE.did)),
        wrong("expired", validUntil="2026-11-23T00:00:00Z"),
        wrong("not-yet-valid", validFrom="2026-11-29T00:00:00Z"),
        wrong("without-its-type", type=["VerifiableCredential"]),
        wrong("of-no-schema", credentialSchema=None),
        wrong("of-another-schema", credentialSchema={**META_SCHEMA, "id": SCHEMA_URL}),
        wrong("of-another-digest", credentialSchema={**META_SCHEMA, "digestSRI": sri(b"x")}),
        wrong("of-a-schema-credential", credentialSchema={
            **META_SCHEMA, "type": "JsonSchemaCredential"}),
        wrong("of-itself", credentialSchema={
            "id": SCHEMA_URL, "type": "JsonSchemaCredential"}),
        wrong("of-two-schemas", credentialSchema=[META_SCHEMA, META_SCHEMA]),
        wrong("subject-untyped", credentialSubject={
            **subject, "type": "https://example.org/#Other"}),
        wrong("subject-list", credentialSubject=[subject]),
        wrong("without-schema", credentialSubject={"id": subject["id"], "type": "JsonSchema"}),
        wrong("schema-as-text", credentialSubject={**subject, "jsonSchema": "{}"}),
        wrong("another-id", schema={"$id": "https://schema.example/other.json"}),
        wrong("without-id", schema={"$id": None}),
        wrong("without-draft", schema={"$schema": None}),
        row("unknown-draft", "incomplete", "indeterminate", _schema_credential(
            {"$schema": "https://schema.example/draft/1"})),
        row("status-not-at-hand", "incomplete", "indeterminate", status),
        row("revoked", "invalid", "failure", status,
            status_list(bits_with(1), signer=MALLORY)),
        row("not-revoked", "trusted", "pass", status, status_list(signer=MALLORY)),
        row("issuer-not-at-hand", "incomplete", "indeterminate", edited(
            _schema_credential(issuer=web), lambda d: d["proof"].update(
                verificationMethod=f"{web}#key-1"))),
        row("of-another-url", "invalid", "failure", moved, digestSRI=sri(moved.encode())),
        row("in-an-envelope", "invalid", "failure", edited(good, lambda d: d.update(
            type=["EnvelopedVerifiableCredential", "JsonSchemaCredential"]))),
    ]  # fmt: skip


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def resource_rows() -> list[Row]:
    """Schemas and related resources that are not what the credential pins."""
    report = b"a report of 12 pages"
    doubling = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(24)}

    def related(name: str, verdict: str, reason: str, *, at_hand: bool = True, **pins: Any) -> Row:
        item = {"id": "https://example.org/report", **pins}
        document = signed(base(relatedResource=[item]))
        found = {"https://example.org/report": report.decode()} if at_hand else {}
        return f"related-{name}", verdict, {"related": reason}, {"document": document,
                                                                 "resources": found}  # fmt: skip

    def schema(name: str, verdict: str, reason: str, data: bytes | None, **pins: Any) -> Row:
        item = {"id": SCHEMA_URL, "type": "JsonSchema", **pins}
        document = signed(base(credentialSchema=item))
        found = {} if data is None else {"alumni.json": data.decode()}
        return f"schema-{name}", verdict, {"schema": reason}, {"document": document,
                                                               "resources": found}  # fmt: skip

    good = json_schema()
    another = json_schema(**{"$id": "https://schema.example/other.json"})
    return [
        related("good", "trusted", "pass", digestSRI=sri(report),
                digestMultibase=multibase(report)),
        related("list-of-digests", "trusted", "pass", digestMultibase=[multibase(report)] * 2),
        related("not-at-hand", "trusted", "not-at-hand", at_hand=False, digestSRI=sri(report)),
        related("other-text", "invalid", "digest-mismatch", digestSRI=sri(b"another")),
        related("two-digests-disagree", "invalid", "digest-mismatch", digestSRI=sri(report),
                digestMultibase=multibase(b"another")),
        related("one-of-list-differs", "invalid", "digest-mismatch",
                digestMultibase=[multibase(report), multibase(b"another")]),
        related("md5", "invalid", "bad-digest",
                digestSRI="md5-" + _base64(md5(report, usedforsecurity=False).digest())),
        related("bare-digest", "invalid", "bad-digest", digestMultibase=multibase(report, b"")),
        related("short-digest", "invalid", "bad-digest", digestMultibase=multibase(report)[:-8]),
        related("number", "invalid", "bad-digest", digestSRI=7),
        related("sha-512", "trusted", "pass", digestMultibase=multibase(
            report, b"\x13\x40", sha512), digestSRI="sha512-" + _base64(sha512(report).digest())),
        related("sha3-384", "trusted", "pass",
                digestMultibase=multibase(report, b"\x15\x30", sha3_384)),
        related("sha3-384-of-another", "invalid", "digest-mismatch",
                digestMultibase=multibase(b"another", b"\x15\x30", sha3_384)),
        related("sha-384-labelled-sha-512", "invalid", "bad-digest",
                digestMultibase=multibase(report, b"\x13\x30", sha384)),
        related("sri-sha-256-labelled-sha-384", "invalid", "bad-digest",
                digestSRI="sha384-" + _base64(sha256(report).digest())),
        related("base64-cut-off", "invalid", "bad-digest", digestMultibase=multibase(report)[:-1]),
        related("seventeen-digests", "invalid", "bad-digest",
                digestMultibase=[multibase(report)] * 17),
        ("related-second-of-two", "invalid", {"related": "digest-mismatch"}, {
            "document": signed(base(relatedResource=[
                {"id": "https://example.org/report", "digestSRI": sri(report)},
                {"id": "https://example.org/other", "digestSRI": sri(report)}])),
            "resources": {"https://example.org/report": report.decode(),
                          "https://example.org/other": "another"}}),
        ("related-found-by-one-digest-only", "trusted", {"related": "not-at-hand"}, {
            "document": signed(base(relatedResource={
                "id": "https://example.org/report", "digestSRI": sri(report),
                "digestMultibase": multibase(b"another")})),
            "resources": {"report.txt": report.decode()}}),
        schema("good", "trusted", "pass", good, digestSRI=sri(good)),
        schema("good-without-digest", "trusted", "pass", good),
        schema("violated", "invalid", "failure",
               json_schema(properties={"credentialSubject": {"required": ["degree"]}})),
        schema("other-text", "invalid", "digest-mismatch", good, digestSRI=sri(b"another")),
        schema("not-at-hand", "incomplete", "not-at-hand", None),
        schema("another-one", "invalid", "failure", another, digestSRI=sri(another)),
        schema("without-draft", "invalid", "failure", json_schema(**{"$schema": None})),
        schema("unknown-draft", "incomplete", "indeterminate",
               json_schema(**{"$schema": "https://schema.example/draft/1"})),
        schema("remote-reference", "incomplete", "indeterminate",
               json_schema(allOf=[{"$ref": "https://evil.example/schema.json"}])),
        schema("recursive", "incomplete", "indeterminate",
               json_schema(additionalProperties={"$ref": "#"})),
        schema("doubling", "incomplete", "indeterminate", json_schema(
            **{"$defs": {**doubling, "d24": {"const": 1}}, "allOf": [{"$ref": "#/$defs/d0"}]})),
        schema("slow-pattern", "trusted", "pass", json_schema(
            properties={"credentialSubject": {"properties": {"alumniOf": {
                "pattern": "^(a+)+$|Z"}}}})),
        *(schema(f"id-{name}", "trusted", "pass", json_schema(**changes)) for name, changes in [
            ("of-no-keyword", {"x": {"id": {}}, "y": {"id": "http://[::"}}),
            ("twice", {"properties": {n: {"id": "https://schema.example/x"} for n in "ab"}})]),
        *(schema(f"{name}", "incomplete", "indeterminate", json_schema(**changes))
          for name, changes in [
            ("pattern-never-reached", {"properties": {"nobody": {"pattern": "("}}}),
            ("pattern-looks-ahead", {"properties": {"nobody": {"pattern": "(?=a)"}}}),
            ("pattern-of-names", {"patternProperties": {"[a&&b]": {}}}),
            ("pattern-large", {"properties": {"nobody": {"pattern": "(.{1000}){1000}"}}}),
            ("reference-with-a-blank", {"$ref": "#/x y", "x y": {}}),
            ("reference-in-an-unused-definition",
             {"$defs": {"a": {"$ref": "https://evil.example/schema.json"}}}),
            ("doubling-under-a-name", {
                "$defs": {**doubling, "d24": {"const": 1}},
                "properties": {"$defs": {"$ref": "#/$defs/d0"}}})]),
        schema("note-of-a-library", "invalid", "failure", json_schema(**{
            "$defs": {"strict": {"required": ["degree"]}, "lenient": {}},
            "$ref": "#/$defs/strict", "__absolute_ref__": f"{SCHEMA_URL}#/$defs/lenient"})),
        schema("pattern-of-blanks", "trusted", "pass", json_schema(properties={
            "credentialSubject": {"properties": {"alumniOf": {
                "pattern": "^[^\\s.]\\u00fc\\S{2,4}$"}}}})),
        *_schema_credential_rows(),
        ("schema-too-many", "incomplete", {"schema": "too-many"}, {
            "document": signed(base(
                credentialSchema=[{"id": SCHEMA_URL, "type": "JsonSchema"}] * 17)),
            "resources": {"alumni.json": good.decode()}}),
        ("schema-unknown-type", "incomplete", {"schema": "unknown-type"}, {"document": signed(
            base(credentialSchema={"id": SCHEMA_URL, "type": "ShapeExpression"}))}),
    ]  # fmt: skip
