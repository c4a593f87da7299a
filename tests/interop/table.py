"""Asks every peer everything, and writes what they said to docs/interop.md.

Usage: ``make interop``. It needs Node and npm's registry; the test beside it asks again.
"""

import copy
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from lyrikstore.canon.jsontext import encode
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.crypto.signer import KeySigner
from lyrikstore.testing.keys import key_for
from tests.interop.peers import JCS, RDFC, Peer, peers
from tests.interop.subjects import CHANGES, Subject, subjects

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "interop.md"
THEIRS: dict[str, Any] = {
    "@context": [
        "https://www.w3.org/ns/credentials/v2",
        "https://www.w3.org/ns/credentials/examples/v2",
    ],
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "ExampleAuditCredential"],
    "name": "Zürich “audit” \U0001f602",
    "validFrom": "2026-01-01T00:00:00Z",
    "credentialSubject": {
        "id": "urn:blake3:c9e8446d0115e411659fe50f8372e33b66a311838c0d69a14134e5c8259aca64",
        "finding": [{"metric": "duplicates", "value": 12}, {"metric": "errors", "clean": True}],
    },
}


class Row(NamedTuple):
    """What one peer said of one of our credentials.

    Attributes:
        subject: The credential.
        suite: Its cryptosuite.
        peer: Who was asked.
        change: What was done to it, or an empty string.
        accepted: Whether the peer accepted it.
        reason: Why not.
    """

    subject: Subject
    suite: str
    peer: Peer
    change: str
    accepted: bool
    reason: str


class Foreign(NamedTuple):
    """What our command said of a peer's credential.

    Attributes:
        peer: Who issued it.
        suite: With which cryptosuite.
        verdicts: With its issuer in the trust file, without a trust file, and after a change.
        reason: The first check that failed with its issuer in the trust file.
    """

    peer: Peer
    suite: str
    verdicts: tuple[str, str, str]
    reason: str


def ask_about_ours() -> list[Row]:
    """Ask every peer about every subject under every suite that it knows."""
    ours = subjects()
    rows: list[Row] = []
    for suite in (JCS, RDFC):
        asked = [(subject, "", subject.secured_with(suite)) for subject in ours]
        asked += [
            (subject, name, subject.changed_under(suite, change))
            for subject in ours
            if subject.sound
            for name, change in CHANGES.items()
        ]
        for peer in peers():
            if suite in peer.suites:
                answers = peer.judge([question for _, _, question in asked])
                rows += [
                    Row(subject, suite, peer, change, *answer)
                    for (subject, change, _), answer in zip(asked, answers, strict=True)
                ]
    return rows


def ask_ours_about_theirs() -> list[Foreign]:
    """Have every peer issue, and ask the command line."""
    key = key_for("a peer's issuer")
    did = KeySigner(key).did
    found: list[Foreign] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "none.toml").write_text("version = 1\n")
        (folder / "trust.toml").write_text(
            f'version = 1\n\n[[issuer]]\ndid = "{did}"\nnickname = "Peer"\nroles = ["publisher"]\n'
        )
        for peer in peers():
            for suite, issue in peer.issuers.items():
                now = datetime.now(UTC).replace(microsecond=0)
                issued = issue(copy.deepcopy(THEIRS), key, now)
                changed = {**issued, "name": "Zürich"}
                told = [
                    _verify(folder, issued, "trust.toml"),
                    _verify(folder, issued, "none.toml"),
                    _verify(folder, changed, "trust.toml"),
                ]
                failed = [c["summary"] for c in told[0]["checks"] if c["state"] == "fail"]
                verdicts = tuple(report["verdict"] for report in told)
                found.append(Foreign(peer, suite, verdicts, failed[0] if failed else ""))
    return found


def _verify(folder: Path, document: dict[str, Any], trust: str) -> dict[str, Any]:
    (folder / "theirs.json").write_bytes(encode(document))
    at = format_timestamp(datetime.now(UTC) + timedelta(minutes=1))
    command = ["-m", "lyrikstore_cli", "verify", "./theirs.json", "--trust", trust, "--at", at]
    done = subprocess.run(
        [sys.executable, *command, "--json"],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def page(ours: list[Row], theirs: list[Foreign]) -> str:
    """Return docs/interop.md."""
    return "\n".join([*_head(), *_ours(ours), *_theirs(theirs)]) + "\n"


def _head() -> Iterator[str]:
    yield "# Other people's software"
    yield ""
    yield "Made by `make interop`, which asks again; a test does the same and compares."
    yield "Nothing here uses the network: schemas, contexts, status lists and keys are handed over."
    yield ""
    yield "| software | version | signature code | looks at, besides the signature |"
    yield "| --- | --- | --- | --- |"
    for peer in peers():
        yield f"| {peer.name} | {peer.version} | {peer.language} | {peer.looks_at} |"


def _ours(rows: list[Row]) -> Iterator[str]:
    asked = peers()
    yield ""
    yield "## Our credentials, judged by them"
    yield ""
    yield "`eddsa-jcs-2022` is what lyrikstore issues; the twins under `eddsa-rdfc-2022` are made"
    yield "with the library (extra `jsonld`). **accepts** and **refuses** is what a caller who"
    yield "follows the software's manual would do; where only the signature is looked at, a revoked"
    yield "credential is rightly accepted. A dash: it does not know the cryptosuite. The files are"
    yield "verdict vectors (`spec/vectors/verdicts/`): our command and our page judge them, too, in"
    yield "their own tests."
    for suite in (JCS, RDFC):
        yield ""
        yield f"| {suite} | " + " | ".join(peer.name for peer in asked) + " |"
        yield "| --- " * (len(asked) + 1) + "|"
        for subject in dict.fromkeys(row.subject.name for row in rows):
            cells = [_cell(rows, suite, peer.name, subject) for peer in asked]
            yield f"| {subject} | " + " | ".join(cells) + " |"
        for change in CHANGES:
            cells = [_cell(rows, suite, peer.name, None, change) for peer in asked]
            yield f"| any of the sound ones, {change} | " + " | ".join(cells) + " |"


def _cell(rows: list[Row], suite: str, peer: str, subject: str | None, change: str = "") -> str:
    answers = {
        row.accepted
        for row in rows
        if (row.suite, row.peer.name, row.change) == (suite, peer, change)
        and subject in {None, row.subject.name}
    }
    if not answers:
        return "–"
    return "accepts" if answers == {True} else "refuses" if answers == {False} else "mixed"


def _theirs(found: list[Foreign]) -> Iterator[str]:
    yield ""
    yield "## Their credentials, judged by `lyrikstore verify`"
    yield ""
    yield "| issued by | cryptosuite | issuer in the trust file | no trust file | claim changed |"
    yield "| --- | --- | --- | --- | --- |"
    for one in found:
        yield f"| {one.peer.name} | {one.suite} | " + " | ".join(one.verdicts) + " |"
    refused = [one for one in found if one.reason]
    if refused:
        yield ""
    for one in refused:
        yield (
            f"{one.peer.name}, {one.suite}: *{one.reason}*. Its proof hashes an `@context` that it"
            " does not send (dialect C of an older draft); the Recommendation's form does not."
        )


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(ask_about_ours(), ask_ours_about_theirs()), "utf-8")


if __name__ == "__main__":
    main()
