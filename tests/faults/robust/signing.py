"""The commands that sign, hand over and take back, to be treated as badly as those of ``work``."""

import json
import shutil
from collections.abc import Callable

from tests.faults.robust.outcome import Finding
from tests.faults.robust.subject import Answer, Subject
from tests.faults.robust.work import MOVING, NAME, Work

STATUS = "https://data.example/status"
STATEMENT = """extent = "all"
method = "two people read every record"
standard = "ISO/IEC 5259-2:2024"
conclusion = "label errors are rare"
limitations = ["none known"]
liability = "none"

[[results]]
metric = "labelErrorRate"
value = "0.012"
"""
ANYTHING = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "credentialSubject": {"id": "urn:example:somebody"},
}
HOLDER = "did:key:z6MktRYWXpSEjSz3SmGGMXKeeKo337zjSMrpwNdB2tJ6nYko"
ATTEST = ("attest", "delivery", "--kind", "quality", "--statement", "audit.toml")


def _deliver(subject: Subject) -> None:
    terms = ("--permit", "train", "--grantable", "train", "--status-url", STATUS)
    subject.must("issue", NAME, "-o", "delivery", *terms)
    subject.must("key", "new", "second", "--no-passphrase")
    (subject.work / "audit.toml").write_text(STATEMENT)
    (subject.work / "anything.json").write_text(json.dumps(ANYTHING))


def _attest(subject: Subject) -> None:
    _deliver(subject)
    subject.must(*ATTEST, "--signer", "second", "-o", "taken.json")


def _no_output(subject: Subject) -> None:
    for path in subject.work.glob("out*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _verifies(*codes: int) -> Callable[[Subject, Answer], list[Finding]]:
    def judge(subject: Subject, _answer: Answer) -> list[Finding]:
        verdict = subject.ask("verify", "out.json")
        if verdict.code in codes:
            return verdict.manners()
        return [Finding("undetected", f"what was written: exit {verdict.code}: {verdict.out}")]

    return judge


def _is_revoked(subject: Subject, _answer: Answer) -> list[Finding]:
    fresh = subject.work / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    findings = subject.ask("credential", "publish", "-o", fresh).manners(may_fail=False)
    verdict = subject.ask("verify", "delivery", "--status", fresh)
    if verdict.code != 3 or "revoked" not in verdict.out:
        findings.append(Finding("lost", f"revoked, and yet exit {verdict.code}: {verdict.out}"))
    return findings


def _owns(subject: Subject, _answer: Answer) -> list[Finding]:
    name = "acme/of-second"
    answer = subject.ask("commit", subject.documents, "-d", name, "--signer", "second")
    return answer.manners(may_fail=False)


def _is_taken_in(subject: Subject, _answer: Answer) -> list[Finding]:
    versions = (subject.ask("log", NAME, "--json").json or {}).get("versions", [])
    if any(version["attestations"] for version in versions):
        return []
    return [Finding("lost", "what was taken in is not there")]


def _is_believed(subject: Subject, _answer: Answer) -> list[Finding]:
    listed = subject.ask("trust", "list").out
    missing = [name for name in ("me (", "Second") if name not in listed]
    return [Finding("lost", f"not believed any more: {name}: {listed}") for name in missing]


def _signs(subject: Subject, _answer: Answer) -> list[Finding]:
    path = subject.work / "by-third.json"
    path.unlink(missing_ok=True)
    answer = subject.ask("w3c", "sign", "anything.json", "-o", path, "--signer", "third")
    return answer.manners(may_fail=False)


_WORKS = (
    Work(
        "sign",
        lambda _: ["w3c", "sign", "anything.json", "-o", "out.json"],
        prepare=_deliver,
        before=_no_output,
        check_result=_verifies(4),
    ),
    Work(
        "attest",
        lambda _: [*ATTEST, "-o", "out.json", "--status-url", STATUS],
        prepare=_deliver,
        before=_no_output,
        check_result=_verifies(0, 4, 5),
    ),
    Work(
        "grant",
        lambda _: [
            *("grant", "delivery", "--to", HOLDER, "--permit", "train", "--until", "90d"),
            *("--status-url", STATUS, "-o", "out.json"),
        ],
        prepare=_deliver,
        before=_no_output,
        check_result=_verifies(0, 4, 5),
    ),
    Work(
        "import",
        lambda _: ["import", "taken.json"],
        prepare=_attest,
        check_result=_is_taken_in,
    ),
    Work(
        "revoke",
        lambda _: ["credential", "revoke", "delivery", "-o", "out"],
        prepare=_deliver,
        before=_no_output,
        check_result=_is_revoked,
        done=frozenset({15}),  # nothing to do
    ),
    Work(
        "key rotate",
        lambda _: ["key", "rotate", "second", "-o", "out"],
        prepare=_deliver,
        before=_no_output,
        check_result=_owns,
        done=frozenset({14}),  # the key that signed this is no owner's any more
    ),
    Work(
        "key new",
        lambda _: ["key", "new", "third", "--no-passphrase"],
        prepare=_deliver,
        check_result=_signs,
        done=frozenset({15}),  # no key is ever overwritten
    ),
    Work(
        "trust add",
        lambda _: ["trust", "add", HOLDER, "--name", "Second"],
        prepare=_deliver,
        check_result=_is_believed,
    ),
)
SIGNING = {work.name: work for work in _WORKS}
"""The commands under test that sign, by name."""
WORKS = MOVING | SIGNING
"""All commands under test, but for those that need a model (``models``)."""
