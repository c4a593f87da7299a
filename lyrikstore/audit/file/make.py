"""Making of an audit file: gather, verify, answer (spec §22.3)."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from lyrikstore.audit.file.answers import answers_of
from lyrikstore.audit.file.answers.tables import AuditAnswer
from lyrikstore.audit.file.check import verify_audit_file, verify_evidence
from lyrikstore.audit.file.container import (
    AuditPage,
    around,
    is_audit_file,
    read_container,
    title_of,
    write_archive,
    write_page,
)
from lyrikstore.audit.file.evidence import AuditEvidence
from lyrikstore.audit.file.opened import OpenedEvidence
from lyrikstore.audit.file.select import gather
from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.limits import MAX_NOTE_BYTES
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.checkpoint import LogCheckpoint
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.note import split_note
from lyrikstore.history.manifests.names import Name, parse_ref
from lyrikstore.verify.report import Report


class Audit(Struct, frozen=True):
    """What an audit file says about a subject.

    Attributes:
        opened: The evidence.
        report: The report on it.
        answers: The answers to the questions of an auditor, in their order.
        since: Number of entries of the log checkpoint that the auditor kept; None without one.
    """

    opened: OpenedEvidence
    report: Report
    answers: tuple[AuditAnswer, ...]
    since: int | None = None

    @property
    def size(self) -> int:
        """Number of entries of the log."""
        return len(self.opened.evidence.leaves)

    def page(self) -> bytes:
        """Return the audit file as a page that verifies itself.

        Raises:
            FormatError: (``bad-audit``) it is too large.
        """
        return write_page(self.opened.evidence.encode(), title_of(self.opened))

    def archive(self) -> bytes:
        """Return the audit file as an archive for programs."""
        answers = json.encode(json.as_json(self.answers))
        return write_archive(self.opened.evidence.encode(), answers)


def make_audit(context: StoreContext, subject: str | None, *, since: Path | None = None) -> Audit:
    """Return the audit of a subject, as of the log checkpoint of the home.

    Args:
        context: The store, and the trust of whoever asks.
        subject: A REF, the id of a credential, or the name of a namespace; None: the whole store.
        since: A log checkpoint that the auditor kept, or an audit file that has it; or None.

    Raises:
        InvalidInputError: (``bad-ref``, ``not-pushed``) it is no subject, or not in the home log;
            (``bad-checkpoint``) ``since`` is no log checkpoint of this log.
        NotFoundError: (``no-ref``, ``no-id``, ``no-file``) there is no such subject, or file.
        LyrikstoreError: An object cannot be read, as for a store.
        FormatError: (``bad-audit``) there is too much for one file.

    Cost: reads every manifest and credential of the log, and one signature for each in the file.
    """
    repository = context.repository
    kept = None if since is None else read_kept(since)
    evidence = gather(repository, _about(context, subject), kept)
    opened = OpenedEvidence(evidence)
    size = None
    if kept is not None:
        head = _head(kept, since or Path())
        if head.origin != repository.origin:
            raise InvalidInputError(
                "bad-checkpoint",
                f"{since} is a log checkpoint of another log: {head.origin[:200]!r}",
            )
        size = head.size
    before, after = around(title_of(opened))
    container = AuditPage(evidence.encode(), (before, after))
    report = verify_evidence(
        opened, container, trust=context.trust, at=context.clock(), memory=context.memory
    )
    return Audit(opened, report, answers_of(opened), size)


def read_kept(path: Path) -> str:
    """Return the log checkpoint in a file: a signed note, or an audit file, which has one.

    Raises:
        NotFoundError: (``no-file``) there is no such file.
        InvalidInputError: (``unreadable``, ``bad-checkpoint``) it cannot be read, or has none.
        FormatError: (``bad-audit``) it is an audit file that cannot be read.
    """
    if is_audit_file(path):
        return AuditEvidence.parse(read_container(path).evidence).checkpoint
    data = read_at_most(path, MAX_NOTE_BYTES + 1)
    try:
        note = data.decode()
    except UnicodeDecodeError:
        note = ""
    _head(note, path)
    return note


def _head(note: str, path: Path) -> LogCheckpoint:
    try:
        return LogCheckpoint.parse(split_note(note.encode())[0])
    except FormatError:
        raise InvalidInputError(
            "bad-checkpoint",
            f"{path} is neither a log checkpoint nor an audit file",
            hint="a log checkpoint is the file log/checkpoint of a store or clone",
        ) from None


def _about(context: StoreContext, subject: str | None) -> Mapping[str, str]:
    repository = context.repository
    if subject is None:
        return {"store": str(repository.store_id)}
    if _is_segment(subject):
        named = any(Name.parse(name).namespace == subject for name in repository.refs)
        if named:
            return {"namespace": subject}
    credential = _credential(context, subject)
    if credential is not None:
        return {"credential": str(credential)}
    return {"manifest": str(repository.resolve(subject).id)}


def _is_segment(text: str) -> bool:
    try:
        Name("datasets", text, "x")
    except FormatError:
        return False
    return True


def _credential(context: StoreContext, subject: str) -> Digest | None:
    """Return the credential with an id or the start of one; None if there is none."""
    digits = subject.removeprefix("blake3:")
    if "/" in subject or len(digits) < 8:
        return None
    try:
        parse_ref(subject)
    except InvalidInputError:
        return None
    entries = context.repository.entries()
    found = [
        one.id for one in entries if one.type == "credential" and one.id.hex.startswith(digits)
    ]
    return found[0] if len(set(found)) == 1 else None


def read_audit(
    path: Path, *, trust: Trust, at: datetime, memory: LogMemory | None
) -> Audit | Report:
    """Return the audit in a file; the report alone where its evidence cannot be read.

    Args:
        path: The file, a page or an archive.
        trust: The keys that the verifier trusts.
        at: The moment for which the report holds.
        memory: The log checkpoints that were signed and seen before, or None.

    Raises:
        NotFoundError, InvalidInputError: (``no-file``, ``unreadable``) the file cannot be read.

    Cost: one signature for each manifest and credential; memory for the evidence, at most 64 MiB.
    """
    report, opened = verify_audit_file(path, trust=trust, at=at, memory=memory)
    return report if opened is None else Audit(opened, report, answers_of(opened))
