"""Makes ``verdicts/``: deliveries, sound and damaged, and what a verifier must answer.

Each case is the delivery in ``base`` with some parts replaced (``null``: removed). The expected
answers are written by hand.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import make_credentials as made
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.credentials.model.credential import sha256_multibase, sri
from lyrikstore.credentials.model.status_entry import StatusEntry, log_entries
from lyrikstore.credentials.model.status_list import pack, sign_list
from lyrikstore.history.log.consistency_file import consistency_file
from verdicts_of_organisations import dataset_cases
from verdicts_of_terms import (
    asserted,
    counting,
    law_cases,
    measured,
    partition_cases,
    quality_cases,
)

DETAILS = {
    "extra-in-order": {"data.files": {"extra": ["\uff21.txt", "\U00010400.txt"]}},
    "renamed-to-the-first": {
        "data.files": {"renamed": [{"from": "z.txt", "to": "\uff21"}], "extra": ["\U00010400"]}
    },
}
"""What the detail of a check holds, by the name of a case."""


def make() -> dict[str, Any]:
    """Return file name → content."""
    delivery = made.world()
    sound = delivery.credential
    files = made.FILES
    trust = f'version = 1\n\n[[issuer]]\ndid = "{made.OWNER.did}"\nnickname = "Acme"\n'
    elsewhere = trust + 'names = ["datasets/other/*"]\n'

    def subject(**changes: Any) -> str:
        change = lambda d: d["credentialSubject"].update(changes)  # noqa: E731
        return made.resigned(sound, change).decode()

    self_made = made.resigned(
        sound, lambda d: d.update(issuer={"id": made.MALLORY.did, "name": "Acme"}), made.MALLORY
    ).decode()
    edited = made.edited(sound, made.term("permits", ["x-everything"])).decode()
    flipped = delivery.proof.encode().replace(b"index 2", b"index 1")
    one, three = files["a/one.txt"].decode(), files["b/three.txt"].decode()

    unmeasured = {
        "credential": measured(sound, ("recordCount/1", "17", {})), "recompute": False,
    }  # fmt: skip
    rows: list[tuple[str, str, dict[str, str], dict[str, Any]]] = [
        # id, verdict, check -> reason (or state, where there is no reason), parts replaced
        ("sound", "trusted", {"status": "n/a", "terms": "stated", "age": "stated",
                              "quality.stated": "n/a"}, {}),
        ("nobody-trusted", "valid",
         {"trust.issuer": "unknown-issuer", "log.anchor": "unknown-founder"},
         {"trust": "version = 1\n"}),
        ("trusted-for-something-else", "valid", {"trust.issuer": "out-of-scope"},
         {"trust": elsewhere}),
        ("self-made-key", "valid", {"trust.issuer": "unknown-issuer"}, {"credential": self_made}),
        ("foreign-key", "invalid", {"issuer.binding": "foreign-key"},
         {"credential": made.resigned(sound, lambda d: d, made.MALLORY).decode()}),
        ("edited-claim", "invalid", {"proof": "edited"}, {"credential": edited}),
        ("expired", "invalid", {"period": "expired"}, {"at": "2027-11-01T00:05:01Z"}),
        ("expired-within-skew", "trusted", {}, {"at": "2027-11-01T00:05:00Z"}),
        ("not-yet-valid", "invalid", {"period": "not-yet-valid"}, {"at": "2026-10-31T23:54:59Z"}),
        ("not-yet-valid-within-skew", "trusted", {}, {"at": "2026-10-31T23:55:00Z"}),
        *_status_cases(made, sound),
        *dataset_cases(sound, trust),
        *_limit_cases(made, trust),
        ("byte-changed", "invalid", {"data.files": "differs"},
         {"data": {"a/one.txt": one.upper()}}),
        ("truncated", "invalid", {"data.files": "differs"}, {"data": {"a/one.txt": one[:-1]}}),
        ("missing", "incomplete", {"data.files": "missing"}, {"data": {"z.txt": None}}),
        ("extra", "invalid", {"data.files": "extra"}, {"data": {"new.txt": "new"}}),
        # By code point, as UTF-8 sorts: in UTF-16 the second of these would come first.
        ("extra-in-order", "invalid", {"data.files": "extra"},
         {"data": {"\uff21.txt": "x", "\U00010400.txt": "x"}}),
        ("renamed-to-the-first", "invalid", {"data.files": "renamed"},
         {"data": {"z.txt": None, **dict.fromkeys(("\U00010400", "\uff21"), "the last one\n")}}),
        ("renamed", "invalid", {"data.files": "renamed"},
         {"data": {"z.txt": None, "y.txt": files["z.txt"].decode()}}),
        ("swapped", "invalid", {"data.files": "swapped"},
         {"data": {"a/one.txt": three, "b/three.txt": one}}),
        ("missing-and-changed", "invalid", {"data.files": "differs"},
         {"data": {"z.txt": None, "a/one.txt": "x"}}),
        ("litter", "trusted", {"data.files": "litter"},
         {"data": {".DS_Store": "x", "a/._one.txt": "x", "b/Thumbs.db": "x"}}),
        ("litter-and-no-list", "incomplete", {"data.files": "litter", "data.tree": "missing-file"},
         {"data": {".DS_Store": "x"}, "siblings": {"tree.jsonl": None}}),
        ("no-data", "incomplete", {"data.files": "no-data"}, {"data": None}),
        *((f"without-{name}", "incomplete", {check: "missing-file"}, {"siblings": {name: None}})
          for name, check in (
              ("manifest.json", "manifest"), ("records.json", "records.root"),
              ("records.salts", "records.root"), ("tree.jsonl", "data.tree"),
              ("genesis.json", "log.anchor"), ("log.tlog-proof", "log.inclusion"),
              ("LICENCE.txt", "terms"))),
        *((f"licence-text-{name}", verdict, {"terms": terms}, {"siblings": beside})
          for name, verdict, terms, beside in (
              ("altered", "incomplete", "altered", {"LICENCE.txt": "You may do anything.\n"}),
              ("emptied", "incomplete", "altered", {"LICENCE.txt": ""}),
              ("altered-under-another-name", "incomplete", "altered",
               {"LICENCE.txt": None, "LICENCE-MIT.txt": "You may do anything.\n"}),
              ("replaced-by-notes", "incomplete", "missing-file",
               {"LICENCE.txt": None, "licence.txt": "x", "LICENCE-MIT": "x", "LICENCE.md": "x"}),
              ("under-another-name", "trusted", "stated",
               {"LICENCE.txt": None, "text": made.LICENCE.decode()}),
              ("and-another", "trusted", "stated", {"LICENCE-other.txt": "You may do anything.\n"}),
          )),
        ("proof-of-another-entry", "invalid", {"log.inclusion": "other-index"},
         {"siblings": {"log.tlog-proof": flipped.decode()}}),
        ("another-index", "invalid", {"log.inclusion": "other-index"},
         {"credential": subject(log={"type": "LogPosition", "origin": made.ORIGIN, "index": 3})}),
        ("another-log", "invalid", {"log.anchor": "other-log"},
         {"credential": subject(log={"type": "LogPosition", "origin": "x.example", "index": 2})}),
        ("another-name", "invalid", {"manifest": "disagrees"},
         {"credential": subject(name="datasets/acme/other")}),
        ("another-descriptor", "invalid", {"manifest": "disagrees"},
         {"credential": subject(descriptor=[])}),
        ("another-count", "invalid", {"manifest": "disagrees"},
         {"credential": counting(sound, recordCount="4")}),
        ("another-size", "invalid", {"manifest": "disagrees", "data.tree": "disagrees"},
         {"credential": counting(sound, byteSize="78")}),
        ("another-root", "invalid", {"records.root": "disagrees"}, {"credential": made.resigned(
            sound, lambda d: d["credentialSubject"]["recordsRoot"].update(hashValue="0" * 64)
        ).decode()}),
        ("another-licence", "invalid", {"manifest": "disagrees"},
         {"credential": made.resigned(
             sound, lambda d: d["credentialSubject"]["licence"].pop("spdxExpression")).decode()}),
        ("another-age", "invalid", {"manifest": "disagrees"},
         {"credential": subject(age={"type": "DataAge", "snapshotAt": "2026-11-23T00:00:00Z"})}),
        # By BLAKE3 one file, by SHA-2 another: who checks by the one takes what others refuse.
        *((f"{name}-by-two-digests", "invalid", {"manifest": "disagrees"},
           {"credential": _pinning_another(sound, delivery.siblings[file])})
          for name, file in (("manifest", "manifest.json"), ("licence-text", "LICENCE.txt"))),
        ("tree-by-two-digests", "invalid", {"manifest": "disagrees"},
         {"credential": _pinning_another(sound, delivery.siblings["tree.jsonl"])}),
        ("tree-by-sri-of-another", "invalid", {"manifest": "disagrees"},
         {"credential": _pinning(
             sound, delivery.siblings["tree.jsonl"], digestSRI=sri(b"another"))}),
        ("tree-by-both-digests", "trusted", {"manifest": "pass"},
         {"credential": _pinning(
             sound, tree := delivery.siblings["tree.jsonl"],
             digestSRI=sri(tree), digestMultibase=sha256_multibase(tree))}),
        ("pinned-file-is-not-there", "trusted", {"manifest": "pass"},
         {"credential": _pinning(sound, b"elsewhere", digestMultibase=sha256_multibase(b"other"))}),
        ("collected-later", "invalid", {"manifest": "disagrees", "age": "contradiction"},
         {"credential": subject(age={"type": "DataAge", "snapshotAt": "2026-11-24T14:12:39Z",
                                     "collectedUntil": "2026-11-26"})}),
        *partition_cases(sound),
        *law_cases(sound),
        ("asserted-quality", "trusted", {"quality": "n/a", "quality.stated": "stated"},
         {"credential": subject(quality=[asserted("0.000001", "trust me")])}),
        ("not-recomputed", "valid", {"quality": "not-recomputed"}, unmeasured),
        ("not-recomputed-by-nobody-known", "valid", {"quality": "not-recomputed"},
         {**unmeasured, "trust": "version = 1\n"}),
        ("not-recomputed-and-changed", "invalid", {"quality": "not-recomputed"},
         {**unmeasured, "data": {"a/one.txt": one.upper()}}),
        ("nothing-to-recompute", "trusted", {"quality": "n/a"}, {"recompute": False}),
        ("no-data-to-recompute", "incomplete", {"quality": "not-recomputed"},
         {"credential": unmeasured["credential"], "data": None}),
        *_consistency_cases(delivery.hashes),
        ("several-reasons", "invalid", {"proof": "edited", "data.files": "missing"},
         {"credential": edited, "data": {"z.txt": None}}),
        ("not-json", "invalid", {"format": "bad-json"}, {"credential": "hello"}),
    ]  # fmt: skip
    base = {
        "reader": "document/1: one record per file",
        "base": {
            "at": "2026-11-24T14:12:39Z",
            "trust": trust,
            "credential": sound.decode(),
            "siblings": {
                name: {"hex": data.hex()} if name.endswith(".salts") else data.decode()
                for name, data in delivery.siblings.items()
            },
            "data": {path: data.decode() for path, data in files.items()},
        },
    }

    def written(rows: list[Any]) -> dict[str, Any]:
        cases = [
            {"id": name, "verdict": verdict, "checks": checks, "changes": changes}
            | ({"details": DETAILS[name]} if name in DETAILS else {})
            for name, verdict, checks, changes in rows
        ]
        return {**base, "cases": cases}

    return {
        "verdicts/deliveries.json": written(rows),
        "verdicts/recompute.json": written(quality_cases(sound)),
        "verdicts/decide.json": {"required": ["a", "b"], "cases": _decisions()},
    }


def _consistency_cases(
    hashes: list[bytes],
) -> list[tuple[str, str, dict[str, str], dict[str, Any]]]:
    """Return deliveries with the consistency file of their log, sound and damaged."""
    file, leaves = consistency_file(made.ORIGIN, hashes, [2], leaves=len(hashes))
    sound = file.encode().decode()
    other = consistency_file("x.example", hashes, [2], leaves=len(hashes))[0].encode().decode()
    alone = consistency_file(made.ORIGIN, hashes, [2])[0].encode().decode()

    # A file about this very log checkpoint says that the credential's log proof was there, too,
    # unless the leaf hashes show that it was logged later.
    def case(
        name: str, reason: str, text: str, data: bytes | None = leaves, *, known: bool = True
    ) -> Any:
        verdict = "trusted" if known else "incomplete"
        beside: dict[str, Any] = {"log.consistency.json": text}
        if data is not None:
            beside["log.leaves"] = {"hex": data.hex()}
        return f"consistency-{name}", verdict, {"log.memory": reason}, {"siblings": beside}

    damaged = "damaged-consistency"
    return [
        case("sound", "n/a", sound),
        case("without-leaves", "n/a", sound, None, known=False),
        case("of-another-log", damaged, other),
        case("no-proof", damaged, sound.replace('"size":2', '"size":3')),
        case("no-file", damaged, sound.replace('"v":1', '"v":2')),
        case("other-leaves", damaged, sound, bytes([leaves[0] ^ 1]) + leaves[1:], known=False),
        case("leaves-cut", damaged, sound, leaves[:-1], known=False),
        case("leaves-unnamed", damaged, alone, leaves, known=False),
    ]


def _pinning(credential: bytes, file: bytes, **digests: str) -> str:
    """Return the credential with ``digests`` of ``file``, and no others, in relatedResource."""

    def change(document: Any) -> None:
        urn = Digest.of(file).urn
        kept = [item for item in document["relatedResource"] if item["id"] != urn]
        document["relatedResource"] = [*kept, {"id": urn, **digests}]

    return made.resigned(credential, change).decode()


def _pinning_another(credential: bytes, file: bytes) -> str:
    return _pinning(credential, file, digestMultibase=sha256_multibase(b"another"))


def _status_cases(made: Any, sound: bytes) -> list[tuple[str, str, dict[str, str], dict[str, Any]]]:
    from base64 import urlsafe_b64decode, urlsafe_b64encode

    from lyrikstore.canon.json import encode, parse
    from lyrikstore.crypto.proofs.eddsa_jcs import add_proof

    url, other = "https://data.example/status/revocation-1.json", "https://data.example/s.json"
    now = datetime(2026, 11, 20, tzinfo=UTC)
    month = timedelta(days=30)
    empty = bytes(STATUS_LIST_ENTRIES // 8)
    place = 94567
    raised = bytearray(empty)
    raised[place // 8] |= 1 << (7 - place % 8)

    def entry(**changes: Any) -> str:
        stated = {**StatusEntry("revocation", place, url).to_json(), **changes}
        stated = {name: value for name, value in stated.items() if value is not None}
        return made.resigned(sound, lambda d: d.update(credentialStatus=stated)).decode()

    def signed(bits: bytes = empty, at: datetime = now, signer: Any = made.OWNER,
               valid_for: timedelta = month) -> str:  # fmt: skip
        return sign_list(url, "revocation", bits, signer, at, valid_for).decode()

    def lying(signer: Any = made.OWNER, **changes: Any) -> str:
        document = parse(signed().encode())
        del document["proof"]
        for name, value in changes.items():
            where = document if name in document else document["credentialSubject"]
            where[name] = value
        return encode(add_proof(document, signer, created=now)).decode()

    plain = entry()
    good, bad = signed(), signed(bytes(raised))
    older = signed(at=now - timedelta(days=5))
    bomb = pack(bytes((1 << 20) + 1))
    suspended = entry(statusPurpose="suspension")

    def case(name: str, verdict: str, reason: str, credential: str, *lists: str) -> Any:
        siblings = {f"status-{number}.json": text for number, text in enumerate(lists)}
        return name, verdict, {"status": reason}, {"credential": credential, "siblings": siblings}

    def spelt(text: str) -> list[str]:
        return [json.dumps(parse(text.encode()), indent=width) for width in range(8)]

    def to_the_second(name: str, reason: str, text: str, last: str, then: str) -> list[Any]:
        """Return two cases: the last second at which a list counts, and the one after it."""
        counts = case(f"status-just-not-{name}", "trusted", "pass", plain, text)
        not_now = case(f"status-{name}", "incomplete", reason, plain, text)
        return [
            (*counts[:3], {**counts[3], "at": last}),
            (*not_now[:3], {**not_now[3], "at": then}),
        ]

    def unsound(name: str, text: str) -> Any:
        return case(f"status-{name}", "incomplete", "unsound-list", plain, text)

    def twice(*packed: str) -> str:
        members = b"".join(urlsafe_b64decode(one[1:] + "=" * (-len(one[1:]) % 4)) for one in packed)
        return "u" + urlsafe_b64encode(members).decode().rstrip("=")

    def unread(name: str, credential: str) -> Any:
        return case(f"status-{name}", "incomplete", "bad-entry", credential, good)

    def in_log(name: str, verdict: str, reason: str, *lists: str, named: str = "") -> Any:
        """Return a case of a list that no credential names (10.6, rule 8)."""
        return case(f"status-in-log-{name}", verdict, reason, named or sound.decode(), *lists)

    def log_list(purpose: str, bits: bytes, at: datetime = now, of: bytes = sound,
                 signer: Any = made.OWNER) -> str:  # fmt: skip
        entries = log_entries(Digest.of(of))
        where = next(one.url for one in entries if one.purpose == purpose)
        return sign_list(where, purpose, bits, signer, at, month).decode()

    first = b"\x80" + empty[1:]
    revoked = log_list("revocation", first)
    return [
        in_log("revoked", "invalid", "revoked", revoked),
        in_log("revoked-however-old", "invalid", "revoked",
               log_list("revocation", first, now - timedelta(days=900))),
        in_log("suspended", "invalid", "suspended", log_list("revocation", empty),
               log_list("suspension", first)),
        in_log("reinstated", "trusted", "n/a", log_list("suspension", first),
               log_list("suspension", empty, now + timedelta(days=1))),
        in_log("not-set-and-old", "trusted", "n/a",
               log_list("revocation", empty, now - timedelta(days=900))),
        in_log("of-another", "trusted", "n/a", log_list("revocation", first, of=plain.encode())),
        in_log("by-a-stranger", "trusted", "n/a",
               log_list("revocation", first, signer=made.MALLORY)),
        in_log("edited", "incomplete", "unsound-list", revoked.replace("2026-11-20", "2026-11-22")),
        in_log("future", "incomplete", "future-list",
               log_list("revocation", first, now + timedelta(days=90))),
        in_log("of-one-that-names-lists", "trusted", "pass", good,
               log_list("revocation", first, of=plain.encode()), named=plain),
        case("status-revoked-in-escapes", "invalid", "revoked", plain, older,
             bad.replace("ListCredential", "List\\u0043redential")),
        case("status-copies", "trusted", "pass", plain, *[good] * 9),
        case("status-size-true", "incomplete", "bad-entry", entry(statusSize=True), good),
        case("status-of-a-comma", "incomplete", "unsound-list", plain,
             lying(type=["VerifiableCredential,BitstringStatusListCredential",
                         "BitstringStatusListCredential"])),
        case("status-one-type", "incomplete", "unsound-list", plain,
             lying(type="BitstringStatusListCredential")),
        case("status-word-in-a-type", "incomplete", "no-list", plain,
             lying(type="NotABitstringStatusListCredential")),
        case("status-good", "trusted", "pass", plain, good),
        case("status-revoked", "invalid", "revoked", plain, bad),
        case("status-suspended", "invalid", "suspended", suspended,
             lying(statusPurpose="suspension", encodedList=pack(bytes(raised)))),
        case("status-newest-counts", "invalid", "revoked", plain, older, bad),
        case("status-tie-takes-back", "invalid", "revoked", plain, good, bad),
        case("status-tie-in-any-order", "invalid", "revoked", plain, bad, good),
        case("status-older-does-not", "trusted", "pass", plain, good,
             signed(bytes(raised), now - timedelta(days=5))),
        case("status-foreign-does-not", "trusted", "pass", plain, good,
             signed(bytes(raised), now + timedelta(days=1), made.MALLORY)),
        # Old lists, however many, do not keep the one that counts from being read.
        case("status-buried", "invalid", "revoked", plain, *spelt(older), bad),
        case("status-buried-below-strangers", "invalid", "revoked", plain,
             *spelt(signed(signer=made.MALLORY)), bad),
        case("status-buried-in-ties", "incomplete", "too-many-lists", plain, *spelt(good), bad),
        case("status-buried-in-ties-on-top", "invalid", "revoked", plain, bad, *spelt(good)),
        case("status-beside-a-file-like-a-list", "trusted", "pass", plain,
             json.dumps({"type": 5, "id": "BitstringStatusListCredential"}), good),
        case("status-no-list", "incomplete", "no-list", plain),
        case("status-foreign-list", "incomplete", "foreign-list", plain,
             signed(signer=made.MALLORY)),
        unsound("foreign-key", lying(made.MALLORY)),
        unsound("edited", good.replace("2026-11-20", "2026-11-22")),
        case("status-future", "incomplete", "future-list", plain,
             signed(at=now + timedelta(days=5))),
        *to_the_second("expired", "expired-list", good,
                       "2026-12-20T00:00:00Z", "2026-12-20T00:00:01Z"),
        *to_the_second("stale", "stale-list", signed(valid_for=9 * month),
                       "2026-12-20T00:00:00Z", "2026-12-20T00:00:01Z"),
        *to_the_second("ahead", "future-list", good,
                       "2026-11-19T23:55:00Z", "2026-11-19T23:54:59Z"),
        case("status-other-url", "incomplete", "no-list", plain,
             lying(id=other)),
        case("status-url-in-subject", "incomplete", "unsound-list", plain,
             lying(credentialSubject={"id": f"{other}#list", "type": "BitstringStatusList",
                                      "statusPurpose": "revocation", "encodedList": pack(empty)})),
        case("status-wrong-purpose", "incomplete", "wrong-list", plain,
             lying(statusPurpose="suspension")),
        unsound("unknown-purpose", lying(statusPurpose="refresh")),
        unsound("short", lying(encodedList=pack(empty[:-1]))),
        unsound("bomb", lying(encodedList=bomb)),
        unsound("not-gzip", lying(encodedList="uAAAA")),
        unsound("base64-padded", lying(encodedList=pack(empty) + "=")),
        unsound("no-multibase", lying(encodedList=pack(empty)[1:])),
        unsound("two-gzip-members", lying(encodedList=twice(pack(empty), pack(bytes(raised))))),
        unsound("cut-short", lying(encodedList=pack(empty)[:-8])),
        case("status-out-of-range", "incomplete", "unsound-list",
             entry(statusListIndex="131072"), good),
        *(unread(f"index-{name}", entry(statusListIndex=value))
          for name, value in (("number", place), ("exponent", "9e4"), ("blank", " 94567"),
                              ("underscore", "94_567"), ("leading-zero", "094567"),
                              ("negative", "-1"), ("huge", "9" * 20))),
        unread("entry-is-list", entry(id=url)),
        unread("entry-http", entry(statusListCredential=url.replace("https", "http"))),
        unread("size-2", entry(statusSize=2)),
        unread("without-purpose", entry(statusPurpose=None)),
        unread("other-type", entry(type="StatusList2021Entry")),
    ]  # fmt: skip


def _limit_cases(made: Any, trust: str) -> list[tuple[str, str, dict[str, str], dict[str, Any]]]:
    """Limits of the trust file: allow-lists, and witnesses, which are demanded in vain."""
    import base64
    import hashlib

    def allowing(line: str) -> dict[str, str]:
        return {"trust": trust + f"\n[allow]\n{line}\n"}

    raw = b"\x04" + made.OWNER.public.raw
    identity = hashlib.sha256(b"w.example\n" + raw).hexdigest()[:8]
    witness = f"w.example+{identity}+{base64.b64encode(raw).decode()}"
    demand = trust.replace("version = 1\n", "version = 1\nwitnessesRequired = 1\n")
    demand += f'\n[[witness]]\nname = "w.example"\nkey = "{witness}"\n'
    aged = trust.replace("version = 1\n", "version = 1\nmaxLogDays = 7\n")
    refused = {"trust.allowed": "not-allowed"}
    return [
        ("allowed", "trusted", {"trust.allowed": "pass"}, allowing(
            f'keys = ["{made.OWNER.did}"]\nhashes = ["blake3", "sha2-256"]\n'
            'cryptosuites = ["eddsa-jcs-2022"]')),
        ("key-not-allowed", "invalid", refused, allowing(f'keys = ["{made.MALLORY.did}"]')),
        ("no-key-allowed", "invalid", refused, allowing("keys = []")),
        ("hash-not-allowed", "invalid", refused, allowing('hashes = ["sha2-256"]')),
        ("cryptosuite-not-allowed", "invalid", refused,
         allowing('cryptosuites = ["eddsa-rdfc-2022"]')),
        ("witness-demanded", "incomplete", {"log.witness": "no-witness"}, {"trust": demand}),
        ("log-age-demanded", "incomplete", {"log.witness": "no-witness"}, {"trust": aged}),
    ]  # fmt: skip


def _decisions() -> list[dict[str, Any]]:
    rows: list[tuple[str, str, dict[str, str]]] = [
        ("all-pass", "trusted", {"a": "pass", "b": "pass", "trust.issuer": "pass"}),
        ("not-applicable-counts-as-made", "trusted", {"a": "pass", "b": "n/a"}),
        ("warning", "trusted", {"a": "warn", "b": "pass"}),
        ("stated-counts-as-made", "trusted", {"a": "stated", "b": "pass"}),
        ("stated-hides-nothing", "incomplete", {"a": "stated", "b": "unchecked"}),
        ("optional-unchecked", "trusted", {"a": "pass", "b": "pass", "c": "unchecked"}),
        ("unknown-issuer", "valid", {"a": "pass", "b": "pass", "trust.issuer": "warn"}),
        ("unknown-founder", "valid", {"a": "pass", "b": "pass", "log.anchor": "warn"}),
        ("required-unchecked", "incomplete", {"a": "pass", "b": "unchecked"}),
        ("required-absent", "incomplete", {"a": "pass"}),
        ("unmeasured", "valid", {"a": "pass", "b": "pass", "quality": "warn"}),
        ("unchecked-beats-unknown", "incomplete", {"a": "unchecked", "trust.issuer": "warn"}),
        ("optional-fail", "invalid", {"a": "pass", "b": "pass", "c": "fail"}),
        ("fail-beats-unchecked", "invalid", {"a": "fail", "b": "unchecked"}),
        ("fail-beats-all", "invalid", {"a": "fail", "trust.issuer": "warn"}),
        ("nothing-made", "incomplete", {}),
    ]
    cases: list[dict[str, Any]] = [
        {"id": name, "verdict": verdict, "states": states} for name, verdict, states in rows
    ]
    return cases + [
        {"id": name, "verdict": verdict, "states": states, "details": details, **without}
        for name, verdict, states, details, without in _left_out()
    ]


def _left_out() -> list[tuple[str, str, dict[str, str], dict[str, Any], dict[str, Any]]]:
    out: dict[str, Any] = {"reason": "not-fetched"}
    warned = {**out, "warnings": ["-"]}
    sound, open_b = {"a": "pass", "b": "pass"}, {"a": "pass", "b": "unchecked"}
    unknown = {**open_b, "trust.issuer": "warn"}
    measured = {**sound, "quality": "unchecked"}
    here, without = {}, {"withoutData": True}
    return [
        ("left-out", "trusted-without-data", open_b, {"b": out}, without),
        ("left-out-by-nobody", "incomplete", open_b, {"b": out}, here),
        ("nothing-left-out", "trusted", sound, {}, without),
        ("left-out-and-unknown", "valid-without-data", unknown, {"b": out}, without),
        ("left-out-and-lost", "incomplete", open_b, {"b": {"reason": "lost"}}, without),
        ("left-out-and-absent", "incomplete", {"b": "unchecked"}, {"b": out}, without),
        ("left-out-and-fail", "invalid", {**open_b, "c": "fail"}, {"b": out}, without),
        ("left-out-of-doubt", "trusted-without-data", measured, {"quality": out}, without),
        ("left-out-and-doubt", "valid-without-data", measured, {"quality": warned}, without),
        ("lost-in-doubt", "valid", measured, {"quality": {"reason": "lost"}}, without),
    ]
