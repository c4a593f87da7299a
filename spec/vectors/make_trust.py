"""Makes ``trust/``: trust files, whom they believe for what, and files that are refused.

Expected answers are by hand.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from blake3 import blake3

HERE = Path(__file__).parent

ADA = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
BOB = "did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG"
WEAK = "did:key:z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj"
WEB = "did:web:acme.example"
STORE = f"blake3:{'11' * 32}"
NOW = "2026-11-24T14:12:39Z"
NAME = "datasets/acme/contracts"
PUBLIC = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"


def vkey(name: str, kind: int) -> str:
    """Return a verifier key: kind 1 for a log, 4 for a witness."""
    import base64

    raw = bytes([kind]) + bytes.fromhex(PUBLIC)
    identity = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    return f"{name}+{identity}+{base64.b64encode(raw).decode()}"


def issuer(did: str = ADA, nickname: str = "Ada", *lines: str) -> str:
    """Return one entry."""
    head = f'[[issuer]]\ndid = "{did}"\nnickname = "{nickname}"\n'
    return head + "".join(f"{line}\n" for line in lines)


def asked(believed: str | None, **changes: Any) -> dict[str, Any]:
    """Return a question and its answer."""
    whole = {"did": ADA, "role": "publisher", "name": NAME, "at": NOW, **changes}
    return {**{k: v for k, v in whole.items() if v is not None}, "believed": believed}


def files() -> dict[str, Any]:
    """Return every case."""
    document = {
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": WEB,
        "verificationMethod": [],
    }
    text = json.dumps(document)
    digest = f"blake3:{blake3(text.encode()).hexdigest()}"
    other = text.replace("acme.example", "other.example")
    inline = f"[[document]]\ndid = \"{WEB}\"\ninline = '{text}'\n"
    by_path = f'[[document]]\ndid = "{WEB}"\npath = "acme.json"\ndigest = "{digest}"\n'
    good: list[tuple[str, str, dict[str, str], list[dict[str, Any]]]] = [
        ("empty", "", {}, [asked(None)]),
        ("comments-alone", "# version = 2\n\n#", {}, [asked(None)]),
        ("publisher", "version = 1\n" + issuer(), {},
         [asked("Ada"), asked("Ada", name="datasets/x/y"), asked(None, did=BOB),
          asked(None, role="auditor"), asked("Ada", store=STORE),
          asked(None, role=None, claim="quality")]),
        ("names", issuer(ADA, "Ada", 'names = ["datasets/acme/*", "checkpoints/x"]'), {},
         [asked("Ada"), asked("Ada", name="checkpoints/x"), asked(None, name="datasets/acme"),
          asked(None, name="datasets/acmeevil/x"), asked("Ada", name="datasets/acme/a/b")]),
        ("stores", issuer(ADA, "Ada", f'stores = ["{STORE}"]'), {},
         [asked("Ada", store=STORE), asked(None, store=STORE.replace("11", "12")), asked(None)]),
        ("period", issuer(ADA, "Ada", f'since = "{NOW}"', 'until = "2026-11-24T14:12:41Z"'), {},
         [asked("Ada"), asked("Ada", at="2026-11-24T14:12:41Z"),
          asked(None, at="2026-11-24T14:12:38Z"), asked(None, at="2026-11-24T14:12:42Z")]),
        ("whole-decimals", "version = 1.0\nmaxStatusDays = 30.0\nmaxLogDays = 7.0\n"
         "witnessesRequired = 0.0\n" + issuer(), {}, [asked("Ada")]),
        ("auditor", issuer(ADA, "Ada", 'roles = ["auditor"]'), {},
         [asked(None), asked("Ada", role="auditor"),
          *(asked(who, role=None, claim=claim) for claim, who in (
              ("quality", "Ada"), ("regulatory", "Ada"), ("legal", None),
              ("deidentification", None)))]),
        ("lawyer", issuer(ADA, "Ada", 'roles = ["lawyer"]'), {},
         [asked(who, role=None, claim=claim) for claim, who in (
             ("quality", None), ("regulatory", "Ada"), ("legal", "Ada"),
             ("deidentification", None))]),
        ("expert", issuer(ADA, "Ada", 'roles = ["expert"]'), {},
         [asked("Ada", role=None, claim="deidentification"),
          asked(None, role=None, claim="quality")]),
        ("claims-replace-those-of-roles",
         issuer(ADA, "Ada", 'roles = ["auditor", "publisher"]', 'claims = ["legal"]'), {},
         [asked("Ada"), asked("Ada", role=None, claim="legal"),
          asked(None, role=None, claim="quality")]),
        ("no-claims", issuer(ADA, "Ada", 'roles = ["auditor"]', "claims = []"), {},
         [asked(None, role=None, claim="quality")]),
        ("what-toml-1.0-has",
         "# allow = {\n" + issuer(ADA, "\\\\x41 \\u0041 {,}", "names = [\n'x*', \"*\",\n]")
         + "[allow]\nhashes = [\n  \"blake3\", # {,\n]\n", {}, [asked("\\x41 A {,}")]),
        ("several-entries-of-one", issuer(ADA, "Ada", 'names = ["datasets/x/*"]')
         + issuer(ADA, "Ada again", 'names = ["datasets/acme/*"]'), {},
         [asked("Ada again"), asked("Ada", name="datasets/x/y")]),
        ("one-nickname-twice-of-one", issuer(ADA, "Ada", 'names = ["datasets/x/*"]')
         + issuer(ADA, "Ada", 'names = ["datasets/acme/*"]'), {}, [asked("Ada")]),
        ("organisation", issuer(WEB, "Acme") + inline, {}, [asked("Acme", did=WEB), asked(None)]),
        ("document-by-path", issuer(WEB, "Acme") + by_path, {"acme.json": text},
         [asked("Acme", did=WEB)]),
        ("two-documents-of-one", inline + by_path, {"acme.json": text}, [asked(None, did=WEB)]),
        ("everything", "version = 1\nmaxStatusDays = 7\nmaxLogDays = 7\nwitnessesRequired = 1\n"
         f'[allow]\nkeys = ["{ADA}"]\nhashes = ["blake3"]\ncryptosuites = ["eddsa-jcs-2022"]\n'
         + issuer() + f'[[log]]\norigin = "a.example"\nkey = "{vkey("a.example", 1)}"\n'
         f'[[witness]]\nname = "w.example"\nkey = "{vkey("w.example", 4)}"\n', {}, [asked("Ada")]),
    ]  # fmt: skip
    bad: list[tuple[str, str, dict[str, str]]] = [
        ("not-toml", "= 1", {}),
        ("twice", "version = 1\nversion = 1", {}),
        ("version-2", "version = 2", {}),
        ("one-nickname-of-two", issuer(ADA, "Ada") + issuer(BOB, "Ada"), {}),
        ("one-nickname-of-a-key-and-a-name", issuer(ADA, "Ada") + issuer(WEB, "Ada"), {}),
        ("unknown-member", "maxStatusDay = 3", {}),
        ("escape-of-toml-1.1", issuer(ADA, "\\x41da"), {}),
        ("escape-of-toml-1.1-in-lines", issuer(ADA, '""A\\e""'), {}),
        ("inline-table-with-a-comma", "allow = {keys = [],}", {}),
        ("inline-table-of-two-lines", "allow = {keys = [],\nhashes = []}", {}),
        ("misspelt-until", issuer(ADA, "Ada", f'untill = "{NOW}"'), {}),
        ("no-nickname", f'[[issuer]]\ndid = "{ADA}"\n', {}),
        ("empty-nickname", issuer(ADA, ""), {}),
        ("unknown-role", issuer(ADA, "Ada", 'roles = ["king"]'), {}),
        ("no-role", issuer(ADA, "Ada", "roles = []"), {}),
        ("unknown-claim", issuer(ADA, "Ada", 'claims = ["truth"]'), {}),
        ("no-name", issuer(ADA, "Ada", "names = []"), {}),
        ("until-before-since",
         issuer(ADA, "Ada", f'since = "{NOW}"', 'until = "2026-11-24T14:12:38Z"'), {}),
        ("toml-date", issuer(ADA, "Ada", f"since = {NOW}"), {}),
        ("since-year-0", issuer(ADA, "Ada", 'since = "0000-01-01T00:00:00Z"'), {}),
        ("date-only", issuer(ADA, "Ada", 'since = "2026-11-24"'), {}),
        ("weak-key", issuer(WEAK), {}),
        ("bad-key", issuer(ADA[:-1]), {}),
        ("key-with-fragment", issuer(f"{ADA}#{ADA[8:]}"), {}),
        ("other-method", issuer("did:example:acme"), {}),
        ("did-web-of-an-address", issuer("did:web:127.0.0.1"), {}),
        ("did-web-with-dots", issuer("did:web:acme.example:.."), {}),
        ("document-of-another", inline.replace(f'"{WEB}"\ninline', '"did:web:x.example"\ninline'),
         {}),
        ("document-malformed", f'[[document]]\ndid = "{WEB}"\ninline = "[]"\n', {}),
        ("document-missing", by_path, {}),
        ("document-changed", by_path, {"acme.json": text + " "}),
        ("document-without-digest", f'[[document]]\ndid = "{WEB}"\npath = "acme.json"\n',
         {"acme.json": text}),
        ("document-path-to-another", by_path.replace(digest,
         f"blake3:{blake3(other.encode()).hexdigest()}"), {"acme.json": other}),
        ("document-both", inline + f'path = "acme.json"\ndigest = "{digest}"\n',
         {"acme.json": text}),
        ("document-neither", f'[[document]]\ndid = "{WEB}"\n', {}),
        ("log-of-another-name", f'[[log]]\norigin = "b.example"\nkey = "{vkey("a.example", 1)}"\n',
         {}),
        ("log-with-a-witness-key",
         f'[[log]]\norigin = "a.example"\nkey = "{vkey("a.example", 4)}"\n', {}),
        ("witness-with-a-log-key",
         f'[[witness]]\nname = "w.example"\nkey = "{vkey("w.example", 1)}"\n', {}),
        ("witness-with-another-id", ('[[witness]]\nname = "w.example"\nkey = '
         f'"{vkey("v.example", 4).replace("v.example", "w.example")}"\n'), {}),
        ("more-witnesses-than-there-are", "witnessesRequired = 1\n", {}),
        ("one-witness-twice", "witnessesRequired = 2\n"
         + 2 * f'[[witness]]\nname = "w.example"\nkey = "{vkey("w.example", 4)}"\n', {}),
        ("one-witness-key-under-two-names", "witnessesRequired = 2\n" + "".join(
            f'[[witness]]\nname = "{name}"\nkey = "{vkey(name, 4)}"\n'
            for name in ("v.example", "w.example")), {}),
        ("unknown-hash", '[allow]\nhashes = ["md5"]\n', {}),
        ("no-hash", "[allow]\nhashes = []\n", {}),
        ("weak-key-allowed", f'[allow]\nkeys = ["{WEAK}"]\n', {}),
    ]  # fmt: skip

    def case(name: str, trust: str, beside: dict[str, str], **more: Any) -> dict[str, Any]:
        begun = "" if not trust or "version" in trust else "version = 1\n"
        return {"id": name, "trust": begun + trust, **({"files": beside} if beside else {}), **more}

    return {
        "cases": [
            *(case(name, trust, beside, asked=answers) for name, trust, beside, answers in good),
            *(case(name, trust, beside, error="bad-trust") for name, trust, beside in bad),
            {"id": "no-version", "trust": issuer(), "error": "bad-trust"},
            {"id": "no-version-but-a-limit", "trust": "maxStatusDays = 7", "error": "bad-trust"},
        ]
    }


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {"trust/files.json": files()}
