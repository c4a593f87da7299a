"""``verify`` with a deployed folder, or a file of one, and with a manifest that lies alone."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.text import escape_control
from lyrikstore.verify.report import Report
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import DeployedFolder, Manifest, Trust


def verify_deployed(
    session: Session,
    folder: "DeployedFolder",
    trust: "Trust",
    at: datetime,
    status_files: Iterable[bytes],
) -> Report:
    """Return the report on a deployed folder; of a file of it, on all of it."""
    from lyrikstore.api import verify_deployed_folder

    with session.screen.progress("verifying") as meter:
        return verify_deployed_folder(
            folder,
            trust=trust,
            at=at,
            memory=session.memory(),
            status_files=status_files,
            progress=meter,
        )


def verify_manifest_file(
    session: Session, path: Path, manifest: "Manifest", trust: "Trust", at: datetime
) -> Report:
    """Return the report on a manifest, by what lies beside it."""
    from lyrikstore.api import read_siblings, verify_manifest_alone

    beside = read_siblings(path).values()
    return verify_manifest_alone(manifest, beside, trust=trust, at=at, memory=session.memory())


def where_judged(path: Path, report: Report) -> Iterator[str]:
    """Yield where what a manifest is about is judged, if `report` is on a manifest alone.

    Args:
        path: Its file.
        report: On it.
    """
    for check in report.checks:
        if check.detail.get("reason") == "no-store":
            name = escape_control(str(path))
            yield (
                f"{name} is {check.summary}: lyrikstore verify {report.subject} --store PATH; "
                "one out of a delivery or a folder is verified with that"
            )
