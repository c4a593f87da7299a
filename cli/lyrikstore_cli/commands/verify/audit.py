"""``verify`` of an audit file: offline, without a store."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Trust
    from lyrikstore.verify.report import Report


def verify_handed_audit(session: Session, path: Path, trust: "Trust", at: datetime) -> "Report":
    """Return the report on an audit file, and name the command that shows its answers."""
    from lyrikstore.api.commands import Audit, verify_audit_file

    found = verify_audit_file(path, trust=trust, at=at, memory=session.memory())
    if not isinstance(found, Audit):
        return found
    answered = sum(one.state == "answered" for one in found.answers)
    session.screen.hint(
        f"it answers {answered} of {len(found.answers)} questions: lyrikstore audit {path}"
    )
    return found.report
