"""Asks every peer everything, and writes what they said to docs/internals/interop.md.

Usage: ``make interop``. It needs Node and npm's registry; the test beside it asks again.
"""

import copy
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from lyrikstore.canon.json import encode
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.testing.keys import key_for
from lyrikstore.w3c.proofs.proof_set import add_proof
from tests.interop.peers import JCS, RDFC, Peer, peers
from tests.interop.subjects import CHANGES, Subject, subjects

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "internals" / "interop.md"
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


ISSUER, HOLDER = key_for("a peer's issuer"), key_for("a peer's holder")
FOR_US = ("c-7f3a", "verifier.example")
"""Challenge and domain."""


class Row(NamedTuple):
    """What one peer said of one of ours.

    Attributes:
        subject: The credential or presentation.
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
    """What our command said of a peer's credential or presentation.

    Attributes:
        peer: Who made it.
        suite: With which cryptosuite.
        verdicts: In the order of the columns, the sound one first.
        reason: The first check that failed of the sound one.
    """

    peer: Peer
    suite: str
    verdicts: tuple[str, ...]
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
                taken = [one for one in asked if peer.takes(one[2])]
                answers = peer.judge([question for _, _, question in taken])
                rows += [
                    Row(subject, suite, peer, change, *answer)
                    for (subject, change, _), answer in zip(taken, answers, strict=True)
                ]
    return rows


def ask_ours_about_theirs() -> list[Foreign]:
    """Have every peer issue, and ask the command line."""
    found: list[Foreign] = []
    with _folder() as folder:
        for peer in peers():
            for suite, issue in peer.issuers.items():
                now = datetime.now(UTC).replace(microsecond=0)
                issued = issue(copy.deepcopy(THEIRS), ISSUER, now)
                changed = {**issued, "name": "Zürich"}
                reports = [
                    _verify(folder, issued, "trust.toml"),
                    _verify(folder, issued, "none.toml"),
                    _verify(folder, changed, "trust.toml"),
                ]
                found.append(_foreign(peer, suite, reports))
    return found


def ask_ours_about_what_they_present() -> list[Foreign]:
    """Have every peer show, for us, what we issued, and ask the command line."""
    found: list[Foreign] = []
    signer = KeySigner(ISSUER)
    with _folder() as folder:
        for peer in peers():
            for suite, present in peer.holders.items():
                credential = {**copy.deepcopy(THEIRS), "issuer": signer.did}
                unsigned = {
                    "@context": THEIRS["@context"][:1],
                    "type": ["VerifiablePresentation"],
                    "holder": KeySigner(HOLDER).did,
                    "verifiableCredential": [add_proof(credential, signer, suite=suite)],
                }
                made = present(unsigned, HOLDER, *FOR_US)
                reports = [
                    _verify(folder, made, "trust.toml", *FOR_US),
                    _verify(folder, made, "trust.toml", "another", FOR_US[1]),
                    _verify(folder, made, "trust.toml", FOR_US[0], "another.example"),
                    _verify(folder, {**made, "id": "urn:x:1"}, "trust.toml", *FOR_US),
                ]
                found.append(_foreign(peer, suite, reports))
    return found


@contextmanager
def _folder() -> Iterator[Path]:
    did = KeySigner(ISSUER).did
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "none.toml").write_text("version = 1\n")
        (folder / "trust.toml").write_text(
            f'version = 1\n\n[[issuer]]\ndid = "{did}"\nnickname = "Peer"\nroles = ["publisher"]\n'
        )
        yield folder


def _foreign(peer: Peer, suite: str, reports: list[dict[str, Any]]) -> Foreign:
    failed = [c["summary"] for c in reports[0]["checks"] if c["state"] == "fail"]
    verdicts = tuple(report["verdict"] for report in reports)
    return Foreign(peer, suite, verdicts, failed[0] if failed else "")


def _verify(
    folder: Path, document: dict[str, Any], trust: str, challenge: str = "", domain: str = ""
) -> dict[str, Any]:
    (folder / "theirs.json").write_bytes(encode(document))
    at = format_timestamp(datetime.now(UTC) + timedelta(minutes=1))
    command = ["-m", "lyrikstore_cli", "verify", "./theirs.json", "--trust", trust, "--at", at]
    if challenge:
        command += ["--challenge", challenge, "--domain", domain]
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


def page(ours: list[Row], theirs: list[Foreign], shown: list[Foreign]) -> str:
    """Return docs/internals/interop.md."""
    return "\n".join([*_head(), *_ours(ours), *_theirs(theirs), *_shown(shown)]) + "\n"


def _head() -> Iterator[str]:
    yield "# Other people's software"
    yield ""
    yield "Made by `make interop`, which asks again; a test does the same and compares."
    yield "Nothing here uses the network: schemas, contexts, status lists and DID documents are"
    yield "handed over."
    yield ""
    yield "| software | version | signature code | looks at, besides the signature |"
    yield "| --- | --- | --- | --- |"
    for peer in peers():
        yield f"| {peer.name} | {peer.version} | {peer.language} | {peer.looks_at} |"


def _ours(rows: list[Row]) -> Iterator[str]:
    asked = peers()
    yield ""
    yield "## Our credentials and presentations, judged by them"
    yield ""
    yield "`eddsa-jcs-2022` is what lyrikstore issues; the twins under `eddsa-rdfc-2022` are made"
    yield "with the library (extra `jsonld`). **accepts** and **refuses** is what a caller who"
    yield "follows the software's manual would do; where only the signature is looked at, a revoked"
    yield "or expired one is rightly accepted. A dash: it does not know the cryptosuite, cannot be"
    yield "handed a DID document, or takes no presentation. The files are verdict vectors"
    yield "(`spec/vectors/verdicts/`): our command and our page judge them, too, in their tests."
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


def _shown(found: list[Foreign]) -> Iterator[str]:
    yield ""
    yield "## Their presentations, judged by `lyrikstore verify`"
    yield ""
    yield "Of a credential that we issued, with a challenge and a domain of ours."
    yield ""
    yield "| presented by | cryptosuite | as asked | another challenge | another domain | changed |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in found:
        yield f"| {one.peer.name} | {one.suite} | " + " | ".join(one.verdicts) + " |"
    for one in [one for one in found if one.reason]:
        yield ""
        yield f"{one.peer.name}, {one.suite}: *{one.reason}*, as in the table above."


def main() -> None:
    """Write the page."""
    theirs, shown = ask_ours_about_theirs(), ask_ours_about_what_they_present()
    PAGE.write_text(page(ask_about_ours(), theirs, shown), "utf-8")


if __name__ == "__main__":
    main()
