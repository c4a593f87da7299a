# ruff: noqa: INP001
"""Makes ``verdicts/``: deliveries, sound and damaged, and what a verifier must answer.

Usage: ``python spec/vectors/make_verdicts.py`` rewrites the files. Each case is the delivery in
``base`` with some parts replaced (``null``: removed). The expected answers are written by hand.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make() -> dict[str, Any]:
    """Return file name → content."""
    made = _load("make_credentials")
    delivery = made.world()
    sound = delivery.credential
    files = made.FILES
    trust = f'version = 1\n\n[[issuer]]\ndid = "{made.OWNER.did}"\nnickname = "Acme"\n'
    elsewhere = trust + 'names = ["datasets/other/*"]\n'
    status = {"type": "BitstringStatusListEntry", "statusPurpose": "revocation"}

    def subject(**changes: Any) -> str:
        change = lambda d: d["credentialSubject"].update(changes)  # noqa: E731
        return made.resigned(sound, change).decode()

    self_made = made.resigned(
        sound, lambda d: d.update(issuer={"id": made.MALLORY.did, "name": "Acme"}), made.MALLORY
    ).decode()
    edited = made.edited(
        sound, lambda d: d["credentialSubject"]["licence"].update(permits=["x-everything"])
    ).decode()
    revocable = made.resigned(sound, lambda d: d.update(credentialStatus=status)).decode()
    flipped = delivery.proof.encode().replace(b"index 2", b"index 1")
    one, three = files["a/one.txt"].decode(), files["b/three.txt"].decode()

    rows: list[tuple[str, str, dict[str, str], dict[str, Any]]] = [
        # id, verdict, check -> reason (or state, where there is no reason), parts replaced
        ("sound", "trusted", {"status": "n/a"}, {}),
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
        ("status-unreadable", "incomplete", {"status": "no-status-reader"},
         {"credential": revocable}),
        ("byte-changed", "invalid", {"data.files": "differs"},
         {"data": {"a/one.txt": one.upper()}}),
        ("truncated", "invalid", {"data.files": "differs"}, {"data": {"a/one.txt": one[:-1]}}),
        ("missing", "incomplete", {"data.files": "missing"}, {"data": {"z.txt": None}}),
        ("extra", "invalid", {"data.files": "extra"}, {"data": {"new.txt": "new"}}),
        ("renamed", "invalid", {"data.files": "renamed"},
         {"data": {"z.txt": None, "y.txt": files["z.txt"].decode()}}),
        ("swapped", "invalid", {"data.files": "swapped"},
         {"data": {"a/one.txt": three, "b/three.txt": one}}),
        ("missing-and-changed", "invalid", {"data.files": "differs"},
         {"data": {"z.txt": None, "a/one.txt": "x"}}),
        ("litter", "trusted", {"data.files": "litter"},
         {"data": {".DS_Store": "x", "a/._one.txt": "x", "b/Thumbs.db": "x"}}),
        ("no-data", "incomplete", {"data.files": "no-data"}, {"data": None}),
        *((f"without-{name}", "incomplete", {check: "missing-file"}, {"siblings": {name: None}})
          for name, check in (
              ("manifest.json", "manifest"), ("records.json", "records.root"),
              ("records.salts", "records.root"), ("tree.jsonl", "data.tree"),
              ("genesis.json", "log.anchor"), ("log.tlog-proof", "log.inclusion"),
              ("LICENCE.txt", "terms"))),
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
         {"credential": subject(recordCount="4")}),
        ("several-reasons", "invalid", {"proof": "edited", "data.files": "missing"},
         {"credential": edited, "data": {"z.txt": None}}),
        ("not-json", "invalid", {"format": "bad-json"}, {"credential": "hello"}),
    ]  # fmt: skip
    return {
        "verdicts/deliveries.json": {
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
            "cases": [
                {"id": name, "verdict": verdict, "checks": checks, "changes": changes}
                for name, verdict, checks, changes in rows
            ],
        },
        "verdicts/decide.json": {"required": ["a", "b"], "cases": _decisions()},
    }


def _decisions() -> list[dict[str, Any]]:
    rows: list[tuple[str, str, dict[str, str]]] = [
        ("all-pass", "trusted", {"a": "pass", "b": "pass", "trust.issuer": "pass"}),
        ("not-applicable-counts-as-made", "trusted", {"a": "pass", "b": "n/a"}),
        ("warning", "trusted", {"a": "warn", "b": "pass"}),
        ("optional-unchecked", "trusted", {"a": "pass", "b": "pass", "c": "unchecked"}),
        ("unknown-issuer", "valid", {"a": "pass", "b": "pass", "trust.issuer": "warn"}),
        ("unknown-founder", "valid", {"a": "pass", "b": "pass", "log.anchor": "warn"}),
        ("required-unchecked", "incomplete", {"a": "pass", "b": "unchecked"}),
        ("required-absent", "incomplete", {"a": "pass"}),
        ("unchecked-beats-unknown", "incomplete", {"a": "unchecked", "trust.issuer": "warn"}),
        ("optional-fail", "invalid", {"a": "pass", "b": "pass", "c": "fail"}),
        ("fail-beats-unchecked", "invalid", {"a": "fail", "b": "unchecked"}),
        ("fail-beats-all", "invalid", {"a": "fail", "trust.issuer": "warn"}),
        ("nothing-made", "incomplete", {}),
    ]
    return [{"id": name, "verdict": verdict, "states": states} for name, verdict, states in rows]


if __name__ == "__main__":
    for path, content in make().items():
        target = HERE / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(content, indent=1) + "\n", "ascii")
