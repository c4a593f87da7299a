"""Makes ``verdicts/hostile-w3c.json``: what attackers hand over as foreign documents.

Every case stands alone: the document (a text, or ``{"hex": …}`` where it is none; a list is joined,
and ``["x", 3]`` in it is ``xxx``), the status lists and resources at hand, trust, moment, and what
a verifier must answer: the verdict and, for each check named, the reason (or the state, where a
check has no reason).
"""

import json
from datetime import timedelta
from typing import Any

from foreign import (
    ALICE,
    EXAMPLES,
    HOLDER,
    JWT,
    MALLORY,
    NOW,
    ORDER,
    SCHEMA_URL,
    TRUST,
    V2,
    Change,
    Row,
    base,
    edited,
    envelope,
    proof_set,
    raw_signature,
    signed,
    sri,
)
from hostile_presented import ASKED, Shown, beside_rows, self_asserted_rows, show, shown
from hostile_status import resource_rows, status_rows
from lyrikstore.canon.json import encode, parse
from lyrikstore.crypto.multikey import encode_base58, encode_multikey
from lyrikstore.crypto.proofs.eddsa_jcs import signed_bytes
from lyrikstore.w3c.proofs.proof_set import add_proof


def _format_rows(sound: str) -> list[Row]:
    def row(name: str, document: Any) -> Row:
        return name, "invalid", {"format": "bad-json"}, {"document": document}

    inside = '"credentialSubject":{'
    return [
        row("not-json", "hello"),
        row("byte-order-mark", "\ufeff" + sound),
        row("trailing-text", sound + "x"),
        row("trailing-document", sound + sound),
        row("trailing-nul", sound + "\0"),
        row("array", f"[{sound}]"),
        row("bad-utf-8", {"hex": sound.encode().replace(b"\xc3\xbc", b"\xfc").hex()}),
        row("overlong-utf-8", {"hex": sound.encode().replace(b"\xc3\xbc", b"\xc0\xaf").hex()}),
        row("issuer-twice", f'{{"issuer":"{MALLORY.did}",' + sound[1:]),
        row("issuer-twice-escaped", f'{{"\\u0069ssuer":"{MALLORY.did}",' + sound[1:]),
        row("not-a-number", sound.replace('"count":7', '"count":NaN')),
        row("infinity", sound.replace('"count":7', '"count":-Infinity')),
        row("overflow", sound.replace('"count":7', '"count":1e999')),
        row("integer-2-53", sound.replace('"count":7', '"count":9007199254740992')),
        row("integer-2-53-1", sound.replace('"count":7', '"count":9007199254740993')),
        row("minus-zero", sound.replace('"count":7', '"count":-0')),
        row("lone-surrogate", sound.replace("Z\u00fcrich", "\\ud800")),
        row("lone-surrogate-name", sound.replace('"alumniOf"', '"\\udc00"')),
        row("deep-arrays", [["[", 20000], ["]", 20000]]),
        row("deep-objects", [['{"a":', 20000], "1", ["}", 20000]]),
        row("deep-inside", [sound.replace(inside, inside + '"deep":')[: sound.index(inside) + 28],
                            ["[", 20000], ["]", 20000], "," + sound[sound.index(inside) + 21:]]),
        ("wide", "invalid", {"proof": "edited"}, {"document": [
            sound.replace(inside, inside + '"wide":[')[: sound.index(inside) + 29],
            ["0,", 300000], "0]," + sound[sound.index(inside) + 21:]]}),
        row("too-large", [sound, [" ", 1 << 20]]),
        row("empty", ""),
    ]  # fmt: skip


def _two_types() -> list[Row]:
    # A proof of RDF does not sign their order, which must therefore not matter.
    types = ["VerifiableCredential", "ExampleAlumniCredential", "ExampleDiploma"]
    document = add_proof(base(type=types), ALICE, suite="eddsa-rdfc-2022", created=NOW)
    turned = encode({**document, "type": [types[0], types[2], types[1]]}).decode()
    one = TRUST + 'names = ["credentials/ExampleDiploma"]\n'
    both = TRUST + 'names = ["credentials/ExampleDiploma", "credentials/ExampleAlumni*"]\n'
    scope = {"trust.issuer": "out-of-scope", "proof": "pass"}
    return [
        ("trusted-for-one-type", "valid", scope,
         {"document": encode(document).decode(), "trust": one}),
        ("trusted-for-one-type-put-first", "valid", scope, {"document": turned, "trust": one}),
        ("trusted-for-both-types", "trusted", {"proof": "pass"},
         {"document": turned, "trust": both}),
    ]  # fmt: skip


def _model_rows() -> list[Row]:
    related = {"id": "urn:x:1", "digestSRI": sri(b"x")}
    rows: list[tuple[str, dict[str, Any]]] = [
        ("type-missing", {"type": None}),
        ("type-other", {"type": ["ExampleAlumniCredential"]}),
        ("type-of-two-words", {"@context": [V2, "https://example.org/c"],
                               "type": ["VerifiableCredential", "two words"]}),
        ("type-neither-term-nor-url", {"@context": [V2, "https://example.org/c"],
                                       "type": ["VerifiableCredential", "ex:"]}),
        *((f"type-with-{ord(blank):04x}", {"@context": [V2, "https://example.org/c"],
                                           "type": ["VerifiableCredential", f"two{blank}words"]})
          for blank in "\x1c\x85\xa0\u3000\ufeff"),
        *((f"subject-url-with-{ord(blank):04x}", {"credentialSubject": {"id": f"urn:x:{blank}"}})
          for blank in "\x1c\x85\ufeff"),
        ("subject-missing", {"credentialSubject": None}),
        ("subject-empty", {"credentialSubject": {}}),
        ("subject-text", {"credentialSubject": "urn:x:1"}),
        ("issuer-missing", {"issuer": None}),
        ("issuer-name-only", {"issuer": {"name": "Example University"}}),
        ("context-not-first", {"@context": [EXAMPLES, V2]}),
        ("context-number", {"@context": [V2, 7]}),
        ("context-redefines", {"@context": [V2, {"validUntil": "urn:x:nothing"}]}),
        ("context-import", {"@context": [V2, {"@import": "https://evil.example/"}]}),
        ("context-nested", {"credentialSubject": {"id": HOLDER.did, "alumniOf": "x",
                                                  "@context": "https://evil.example/"}}),
        ("keyword-graph", {"credentialSubject": {"@graph": [{"alumniOf": "x"}]}}),
        ("keyword-typed-value", {"credentialSubject": {"alumniOf":
                                                       {"@value": "x", "@type": "urn:x"}}}),
        ("id-not-url", {"id": "not a url"}),
        ("id-two", {"id": ["urn:x:1", "urn:x:2"]}),
        ("id-object", {"id": {"id": "urn:x:1"}}),
        ("id-object-inside", {"credentialSubject": {"id": {"a": 1}, "alumniOf": "x"}}),
        ("id-null", {"id": None, "credentialSubject": {"id": "", "alumniOf": "x"}}),
        ("from-date", {"validFrom": "2026-11-01"}),
        ("from-year-0", {"validFrom": "0000-06-30T00:00:00Z"}),
        ("from-before-year-1", {"validFrom": "0001-01-01T00:00:00+01:00"}),
        ("until-after-year-9999", {"validUntil": "9999-12-31T23:59:59-01:00"}),
        ("from-week-date", {"validFrom": "2026-W45-1T00:00:00Z"}),
        ("from-february", {"validFrom": "2026-02-30T00:00:00Z"}),
        ("from-leap-second", {"validFrom": "2026-06-30T23:59:60Z"}),
        ("from-newline", {"validFrom": "2026-11-01T00:00:00Z\n"}),
        ("from-fullwidth", {"validFrom": "\uff12026-11-01T00:00:00Z"}),
        ("reversed", {"validFrom": "2027-12-01T00:00:00Z"}),
        ("schema-untyped", {"credentialSchema": {"id": SCHEMA_URL}}),
        ("schema-id-not-url", {"credentialSchema": {"id": "x", "type": "JsonSchema"}}),
        ("status-untyped", {"credentialStatus": {"id": "urn:x:1"}}),
        ("related-text", {"relatedResource": ["urn:x:1"]}),
        ("related-bare", {"relatedResource": [{"id": "urn:x:1"}]}),
        ("related-twice", {"relatedResource": [related, related]}),
        ("name-object", {"name": {"@value": "x", "@type": "urn:x"}}),
    ]  # fmt: skip
    made: list[Row] = [
        (name, "invalid", {"model": "bad-credential"}, {"document": signed(base(**changes))})
        for name, changes in rows
    ]
    unsigned = encode(base()).decode()
    made += [
        (name, "invalid", {"model": "bad-credential"}, {"document": text})
        for name, text in (
            ("proof-missing", unsigned),
            ("proof-null", edited(unsigned, lambda d: d.update(proof=None))),
            ("proof-none", edited(unsigned, lambda d: d.update(proof=[]))),
            ("proof-text", edited(unsigned, lambda d: d.update(proof="z"))),
        )
    ]
    return made


def _proof_rows(sound: str) -> list[Row]:
    value = parse(sound.encode())["proof"]["proofValue"]
    raw = raw_signature(value)
    scalar = int.from_bytes(raw[32:], "little")
    malleable = raw[:32] + (scalar + ORDER).to_bytes(32, "little")
    multikeys = [encode_multikey(signer.public) for signer in (ALICE, MALLORY)]

    def member(name: str, reason: str, **changes: Any) -> Row:
        return name, "invalid", {"proof": reason}, {"document": proof_set(sound, **changes)}

    def claim(name: str, change: Change) -> Row:
        return name, "invalid", {"proof": "edited"}, {"document": edited(sound, change)}

    def made(name: str, reason: str, document: str) -> Row:
        return name, "invalid", {"proof": reason}, {"document": document}

    def both(change: Change) -> str:
        document = parse(sound.encode())
        document["proof"] = [document["proof"], dict(document["proof"])]
        change(document["proof"][1])
        return json.dumps(document)

    appended = [V2, EXAMPLES, "https://evil.example/v1"]
    first = add_proof(base(), ALICE, created=NOW, proof_id="urn:uuid:first")
    chain = encode(add_proof(first, MALLORY, created=NOW, previous="urn:uuid:first")).decode()
    return [
        claim("claim-edited", lambda d: d["credentialSubject"].update(alumniOf="Basel")),
        claim("claim-decomposed", lambda d: d["credentialSubject"].update(alumniOf="Zu\u0308rich")),
        claim("claim-added", lambda d: d.update(description="added")),
        claim("claim-null-added", lambda d: d.update(description2=None)),
        claim("proto-added", lambda d: d["credentialSubject"].update(
            {"__proto__": {"admin": True}})),
        claim("proto-on-top", lambda d: d.update({"__proto__": {"validUntil": "2099-01-01"}})),
        claim("true-for-one", lambda d: d["credentialSubject"].update(count=True)),
        claim("issuer-renamed", lambda d: d["issuer"].update(name="Another")),
        made("context-appended", "bad-proof",
             edited(sound, lambda d: d.update({"@context": appended}))),
        made("context-appended-inline", "bad-proof",
             edited(sound, lambda d: d.update({"@context": [V2, EXAMPLES, {"a": "urn:a"}]}))),
        ("context-removed", "invalid", {"model": "bad-credential"},
         {"document": edited(sound, lambda d: d.update({"@context": [V2]}))}),
        made("dialect-c", "edited", _dialect_c()),
        member("created-edited", "edited", created="2026-11-24T14:12:40Z"),
        member("created-malformed", "bad-proof", created="yesterday"),
        member("created-future", "proof-not-yet", created="2026-12-24T14:12:39Z"),
        made("expires-passed", "proof-expired",
             signed(base(), created=NOW - timedelta(hours=3), expires=NOW - timedelta(hours=1))),
        made("purpose-other", "bad-proof", signed(base(), purpose="authentication")),
        member("purpose-missing", "bad-proof", proofPurpose=None),
        member("suite-unknown", "unknown-suite", cryptosuite="eddsa-2022"),
        member("type-unknown", "bad-proof", type="Ed25519Signature2020"),
        member("value-base64url", "bad-proof", proofValue="u" + "A" * 86),
        member("value-blank-after", "bad-proof", proofValue=value + " "),
        member("value-missing", "bad-proof", proofValue=None),
        member("value-65-bytes", "bad-proof", proofValue="z" + encode_base58(raw + b"\0")),
        member("value-leading-1", "bad-proof", proofValue="z1" + value[1:]),
        member("value-malleable", "edited", proofValue="z" + encode_base58(malleable)),
        member("value-zero", "edited", proofValue="z" + encode_base58(bytes(64))),
        member("method-no-fragment", "bad-did", verificationMethod=ALICE.did),
        member("method-foreign-fragment", "bad-key",
               verificationMethod=f"{ALICE.did}#{multikeys[1]}"),
        member("method-foreign-body", "bad-key",
               verificationMethod=f"{MALLORY.did}#{multikeys[0]}"),
        member("method-unknown-did", "unsupported-did", verificationMethod="did:example:1#1"),
        *(made(f"small-order-{name}", reason, _small_order(point)) for name, reason, point in (
            ("identity", "weak-key", b"\x01" + bytes(31)),
            ("order-2", "weak-key", b"\xec" + b"\xff" * 30 + b"\x7f"),
            ("order-4", "weak-key", bytes(32)),
            ("non-canonical", "weak-key", b"\xee" + b"\xff" * 30 + b"\x7f"))),
        made("set-one-bad", "edited", both(lambda p: p.update(created="2026-11-24T14:00:00Z"))),
        made("set-one-of-unknown-suite", "unknown-suite",
             both(lambda p: p.update(cryptosuite="bbs-2023"))),
        made("set-too-many", "bad-proof",
             edited(sound, lambda d: d.update(proof=[d["proof"]] * 40))),
        ("chain", "trusted", {"proof": "pass"}, {"document": chain}),
        made("chain-first-removed", "bad-chain",
             edited(chain, lambda d: d.update(proof=d["proof"][1]))),
        made("chain-first-edited", "edited",
             edited(chain, lambda d: d["proof"][0].update(created="2026-11-24T14:00:00Z"))),
        made("previous-missing", "bad-chain",
             both(lambda p: p.update(previousProof="urn:uuid:nothing"))),
        made("previous-not-text", "bad-proof", both(lambda p: p.update(previousProof=7))),
        ("signed-by-another", "invalid", {"proof": "pass", "issuer.binding": "foreign-key"},
         {"document": signed(base(), MALLORY)}),
    ]  # fmt: skip


def _dialect_c() -> str:
    document = base()
    made = parse(signed(document).encode())
    options = {name: v for name, v in made["proof"].items() if name != "proofValue"}
    signature = ALICE.sign(signed_bytes(document, options))
    del options["@context"]
    made["proof"] = {**options, "proofValue": "z" + encode_base58(signature)}
    return json.dumps(made)


def _small_order(point: bytes) -> str:
    # R is the identity and S is zero: true for every message under a key of small order.
    multikey = "z" + encode_base58(b"\xed\x01" + point)
    did = f"did:key:{multikey}"
    document = base(issuer=did)
    document["proof"] = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": f"{did}#{multikey}",
        "proofPurpose": "assertionMethod",
        "@context": document["@context"],
        "proofValue": "z" + encode_base58(b"\x01" + bytes(63)),
    }
    return json.dumps(document)


def _rdf_rows() -> list[Row]:
    sound = signed(base(), suite="eddsa-rdfc-2022")
    expired = signed(base(validUntil="2026-11-10T00:00:00Z"), suite="eddsa-rdfc-2022")
    iri = "https://www.w3.org/2018/credentials#"

    def respelled(member: str, value: Any) -> str:
        def change(document: dict[str, Any]) -> None:
            del document[member]
            document[iri + member] = value

        return edited(expired, change)

    stamp = "http://www.w3.org/2001/XMLSchema#dateTime"
    return [
        ("rdf-sound", "trusted", {"proof": "pass"}, {"document": sound}),
        ("rdf-edited", "invalid", {"proof": "edited"},
         {"document": edited(sound, lambda d: d["credentialSubject"].update(alumniOf="Basel"))}),
        ("rdf-expired", "invalid", {"period": "expired"}, {"document": expired}),
        # The same graph, and no reader of JSON sees that it is expired.
        ("rdf-respelled-until", "invalid", {"model": "bad-credential"}, {"document": respelled(
            "validUntil", {"@value": "2026-11-10T00:00:00Z", "@type": stamp})}),
        ("rdf-respelled-plain", "invalid", {"proof": "bad-rdf"}, {"document": respelled(
            "validUntil", "2026-11-10T00:00:00Z")}),
        ("rdf-null-added", "invalid", {"proof": "bad-rdf"},
         {"document": edited(sound, lambda d: d["credentialSubject"].update(degree=None))}),
        ("rdf-inline-context", "invalid", {"proof": "bad-rdf"}, {"document": edited(
            sound, lambda d: d.update({"@context": [V2, EXAMPLES, {"a": "urn:a"}]}))}),
        ("rdf-unknown-context", "incomplete", {"proof": "unknown-context"}, {"document": edited(
            sound, lambda d: d.update({"@context": [V2, EXAMPLES, "https://evil.example/"]}))}),
        ("rdf-set-of-both", "trusted", {"proof": "pass"}, {"document": encode(add_proof(
            parse(sound.encode()), ALICE, created=NOW)).decode()}),
    ]  # fmt: skip


def _other_rows(sound: str) -> list[Row]:
    evil = "<script>alert(1)</script>\u202e\u001b[2J"
    presentation = signed({"@context": [V2], "type": ["VerifiablePresentation"],
                           "holder": HOLDER.did, "verifiableCredential": [parse(sound.encode())]},
                          HOLDER, purpose="authentication")  # fmt: skip
    no_context = parse(sound.encode())
    del no_context["proof"]
    return [
        ("sound", "trusted", {"status": "n/a", "period": "pass"}, {"document": sound}),
        ("sound-white-space", "trusted", {}, {"document": json.dumps(
            parse(sound.encode()), indent=2)}),
        ("sound-fraction", "trusted", {}, {"document": signed(base(
            credentialSubject={"score": 0.1, "huge": 1.5e300}))}),
        ("sound-null", "trusted", {}, {"document": signed(base(
            credentialSubject={"alumniOf": "x", "until": None, "list": [None]}))}),
        ("sound-offset", "trusted", {}, {"document": signed(base(
            validFrom="2026-11-24T16:12:39.5+02:00"))}),
        ("sound-no-offset", "trusted", {}, {"document": signed(base(
            validFrom="2026-11-24T14:12:39"))}),
        ("sound-no-period", "trusted", {}, {"document": signed(base(
            validFrom=None, validUntil=None))}),
        ("dialect-b", "trusted", {"proof": "pass"}, {"document": _dialect_b()}),
        ("proof-set", "trusted", {"proof": "pass"}, {"document": encode(add_proof(
            parse(sound.encode()), MALLORY, created=NOW)).decode()}),
        ("nobody-trusted", "valid", {"trust.issuer": "unknown-issuer"},
         {"document": sound, "trust": "version = 1\n"}),
        ("self-made-key", "valid", {"trust.issuer": "unknown-issuer"},
         {"document": signed(base(issuer={"id": MALLORY.did, "name": "Example University"}),
                             MALLORY)}),
        ("trusted-for-something-else", "valid", {"trust.issuer": "out-of-scope"},
         {"document": sound, "trust": TRUST + 'names = ["datasets/*"]\n'}),
        *_two_types(),
        ("trusted-once", "valid", {"trust.issuer": "out-of-scope"},
         {"document": sound, "trust": TRUST + 'until = "2026-01-01T00:00:00Z"\n'}),
        ("expired", "invalid", {"period": "expired"},
         {"document": sound, "at": "2027-11-01T00:05:01Z"}),
        ("expired-within-skew", "trusted", {"period": "pass"},
         {"document": sound, "at": "2027-11-01T00:05:00Z"}),
        ("last-moment", "invalid", {"proof": "pass", "period": "expired"},
         {"document": sound, "at": "9999-12-31T23:59:59Z"}),
        ("not-yet-valid", "invalid", {"period": "not-yet-valid"},
         {"document": signed(base(validFrom="2026-11-25T00:00:00Z"))}),
        ("envelope", "incomplete", {"envelope": "not-read"}, {"document": envelope()}),
        ("envelope-of-one-we-signed", "incomplete", {"envelope": "not-read"}, {"document": signed(
            {**base(type=["EnvelopedVerifiableCredential"], id=JWT)})}),
        ("envelope-and-credential", "invalid", {"envelope": "bad-credential"}, {"document": signed(
            base(type=["VerifiableCredential", "EnvelopedVerifiableCredential"], id=JWT))}),
        ("envelope-without-media-type", "invalid", {"envelope": "bad-credential"},
         {"document": envelope(id="data:,eyJ")}),
        ("envelope-of-a-url", "invalid", {"envelope": "bad-credential"},
         {"document": envelope(id="https://example.org/vc.jwt")}),
        ("envelope-without-context", "invalid", {"envelope": "bad-credential"},
         {"document": envelope(**{"@context": [EXAMPLES]})}),
        ("presentation-as-credential", "invalid", {"model": "bad-credential"},
         {"document": presentation}),
        ("did-document-as-credential", "invalid", {"model": "bad-credential"},
         {"document": json.dumps({"@context": ["https://www.w3.org/ns/did/v1"], "id": ALICE.did})}),
        ("script-in-text", "trusted", {}, {"document": signed(base(
            name=evil, description=evil, issuer={"id": ALICE.did, "name": evil}))}),
        ("script-in-type", "valid", {"trust.issuer": "unknown-issuer"}, {"document": signed(base(
            type=["VerifiableCredential", evil], issuer=MALLORY.did), MALLORY)}),
        ("script-in-status", "incomplete", {"status": "unknown-type"}, {"document": signed(base(
            credentialStatus={"id": "urn:x:1", "type": evil}))}),
    ]  # fmt: skip


def _dialect_b() -> str:
    document = base()
    made = parse(signed(document).encode())
    options = {n: v for n, v in made["proof"].items() if n not in {"proofValue", "@context"}}
    signature = ALICE.sign(signed_bytes(document, options))
    made["proof"] = {**options, "proofValue": "z" + encode_base58(signature)}
    return json.dumps(made)


def _presentation_rows(sound: str) -> list[Row]:
    asked = ASKED
    good = show(shown(sound))
    bad = edited(sound, lambda d: d["credentialSubject"].update(alumniOf="Basel"))
    jws = parse(envelope().encode())
    opaque = envelope(type="EnvelopedVerifiablePresentation")

    rows: list[Shown] = [
        ("sound", "trusted", {"challenge": "pass", "presented": "pass"}, good, asked),
        ("rdf-free-several", "trusted", {"presented": "pass"}, show(shown(sound, sound)), asked),
        ("not-asked", "valid", {"challenge": "not-asked"}, good, {}),
        ("other-challenge", "invalid", {"challenge": "other-challenge"}, good,
         {**asked, "challenge": "c-0000"}),
        ("other-domain", "invalid", {"challenge": "other-domain"}, good,
         {**asked, "domain": "https://evil.example"}),
        ("no-challenge-in-it", "invalid", {"challenge": "other-challenge"},
         show(shown(sound), challenge=None, domain=None), asked),
        ("second-proof-other-challenge", "invalid", {"challenge": "other-challenge"},
         show(parse(good.encode(), floats=True, nulls=True), challenge="c-0000"), asked),
        ("challenge-edited", "invalid", {"proof": "edited"},
         proof_set(good, challenge="c-0000"), {**asked, "challenge": "c-0000"}),
        ("unsigned", "incomplete", {"proof": "no-proof"},
         encode(shown(sound)).decode(), asked),
        ("purpose-assertion", "invalid", {"proof": "bad-proof"},
         show(shown(sound), purpose="assertionMethod"), asked),
        ("holder-another", "invalid", {"holder.binding": "foreign-key"},
         show(shown(sound), MALLORY), asked),
        ("credential-edited-inside", "invalid", {"presented": "invalid"}, show(shown(bad)), asked),
        ("one-of-two-edited", "invalid", {"presented": "invalid"}, show(shown(sound, bad)), asked),
        ("credential-swapped", "invalid", {"proof": "edited"},
         edited(good, lambda d: d.update(verifiableCredential=d["verifiableCredential"] * 2)),
         asked),
        ("unknown-issuer-inside", "valid", {"presented": "valid"},
         show(shown(signed(base(issuer=MALLORY.did), MALLORY))), asked),
        ("rdf-empty-list", "valid", {"presented": "nothing"}, edited(
            show(shown(verifiableCredential=None), suite="eddsa-rdfc-2022"),
            lambda d: d.update(verifiableCredential=[])), asked),
        ("empty-list-added", "invalid", {"proof": "edited"}, edited(
            show(shown(verifiableCredential=None)),
            lambda d: d.update(verifiableCredential=[])), asked),
        ("no-credential", "valid", {"presented": "nothing"},
         show(shown(verifiableCredential=None)), asked),
        ("credential-text", "invalid", {"model": "bad-credential"},
         show(shown(verifiableCredential=["urn:x:1"])), asked),
        ("holder-text", "invalid", {"model": "bad-credential"},
         show(shown(sound, holder="nobody")), asked),
        ("holder-absent", "trusted", {"holder.binding": "pass"},
         show(shown(sound, holder=None)), asked),
        ("enveloped", "incomplete", {"presented": "incomplete"},
         show(shown(verifiableCredential=[jws])), asked),
        ("enveloped-id-list", "invalid", {"model": "bad-credential"},
         show(shown(verifiableCredential=[{**jws, "id": [jws["id"]]}])), asked),
        ("enveloped-typed-twice", "invalid", {"model": "bad-credential"},
         show(shown(verifiableCredential=[{**jws, "type": [jws["type"], "VerifiableCredential"]}])),
         asked),
        ("envelope", "incomplete", {"envelope": "not-read"}, opaque, asked),
        ("envelope-and-proof", "incomplete", {"envelope": "not-read"},
         show({**parse(opaque.encode()), "holder": HOLDER.did}), asked),
        ("envelope-of-both-types", "invalid", {"envelope": "bad-credential"},
         show(shown(sound, type=["VerifiablePresentation", "EnvelopedVerifiablePresentation"])),
         asked),
        ("envelope-without-context", "invalid", {"envelope": "bad-credential"},
         edited(opaque, lambda d: d.update({"@context": [EXAMPLES]})), asked),
        ("envelope-of-a-credential", "invalid", {"model": "bad-credential"}, envelope(), asked),
        ("credential-as-presentation", "invalid", {"model": "bad-credential"}, sound, asked),
        ("deep", "invalid", {"format": "bad-json"}, "[" * 20000, asked),
        *beside_rows(sound),
        *self_asserted_rows(sound),
    ]  # fmt: skip
    return [
        (f"presentation-{name}", verdict, checks, {"document": text, **more})
        for name, verdict, checks, text, more in rows
    ]


def make() -> dict[str, Any]:
    """Return file name → content."""
    sound = signed(base())
    credentials = [
        *_other_rows(sound),
        *_format_rows(sound),
        *_model_rows(),
        *_proof_rows(sound),
        *_rdf_rows(),
        *status_rows(),
        *resource_rows(),
    ]
    cases = [
        {"id": name, "profile": "w3c", "kind": kind, "verdict": verdict, "checks": checks, **given}
        for kind, rows in (("credential", credentials), ("presentation", _presentation_rows(sound)))
        for name, verdict, checks, given in rows
    ]
    return {
        "verdicts/hostile-w3c.json": {
            "base": {"at": "2026-11-24T14:12:39Z", "trust": TRUST, "lists": [], "resources": {}},
            "cases": cases,
        }
    }
