"""``verify`` of a deployed folder, of a file in it, and of a manifest without a store."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lyrikstore.canon.text import escape_control
from lyrikstore.verify.report import Report
from lyrikstore_cli.commands.verify.delivery import own_log
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Manifest, Trust
    from lyrikstore.api.commands import DeployedFolder


_MANIFEST = "manifest.json"
README = "README.md"
"""The card of a deployed folder."""


def judged_whole(folder: "DeployedFolder") -> bool:
    """Return whether a deployed folder is verified as a whole, also for one of its files.

    In folders of an earlier version card and manifests are verified separately.
    """
    from lyrikstore.api.commands import FolderState

    return folder.state is not FolderState.EARLIER or not folder.part


def verify_deployed(
    session: Session,
    folder: "DeployedFolder",
    trust: "Trust",
    at: datetime,
    status_files: Iterable[bytes],
) -> Report:
    """Return the report on a whole deployed folder, also for one of its files."""
    from lyrikstore.api.commands import verify_deployed_folder

    files = folder.read_evidence().files
    # The store that deployed it may have a longer log by now, and shows that it is the same log.
    own = own_log(session, files.get(_MANIFEST, b""), files.values())
    with session.progress("verifying") as progress:
        return verify_deployed_folder(
            folder,
            trust=trust,
            at=at,
            memory=session.memory(),
            status_files=(*status_files, *own.values()),
            progress=progress,
        )


def verify_manifest_file(
    session: Session, path: Path, manifest: "Manifest", trust: "Trust", at: datetime
) -> Report:
    """Return the report on a manifest, verified by the files beside it."""
    from lyrikstore.api.commands import read_siblings, verify_manifest_alone

    beside = read_siblings(path).values()
    return verify_manifest_alone(manifest, beside, trust=trust, at=at, memory=session.memory())


def where_judged(path: Path, report: Report) -> Iterator[str]:
    """Yield hints on how to verify an unsigned folder's card, or the object of a manifest.

    Args:
        path: The path that the user named.
        report: The report on it.
    """
    name, found = escape_control(str(path)), {check.id: check for check in report.checks}
    signed, there = found.get("manifest.signature"), found.get("object")
    if signed is not None and signed.detail.get("reason") == "unsigned":
        if (path / README).is_file():
            yield f"its card may have its own signature: lyrikstore verify {name}/{README}"
    elif there is not None and there.detail.get("reason") == "no-store":
        yield (
            f"{name} is {there.summary}: lyrikstore verify {report.subject} --store PATH; a "
            "manifest of a delivery is verified with the delivery"
        )
