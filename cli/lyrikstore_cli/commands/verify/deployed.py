"""``verify`` with a deployed folder, or a file of one, and with a manifest that lies alone."""

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
    """Return whether all of a folder is judged, whatever file of it was asked about.

    One of an earlier version is not, whose card and manifests are judged by themselves.
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
    """Return the report on a deployed folder; of a file of it, on all of it."""
    from lyrikstore.api.commands import verify_deployed_folder

    files = folder.read_evidence().files
    # Whoever deployed it saw more of their log since: their store shows that it is the same log.
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
    """Return the report on a manifest, by what lies beside it."""
    from lyrikstore.api.commands import read_siblings, verify_manifest_alone

    beside = read_siblings(path).values()
    return verify_manifest_alone(manifest, beside, trust=trust, at=at, memory=session.memory())


def where_judged(path: Path, report: Report) -> Iterator[str]:
    """Yield where what nobody signed here, or what a manifest alone is about, is judged.

    Args:
        path: What was named.
        report: On it.
    """
    name, found = escape_control(str(path)), {check.id: check for check in report.checks}
    signed, there = found.get("manifest.signature"), found.get("object")
    if signed is not None and signed.detail.get("reason") == "unsigned":
        if (path / README).is_file():
            yield f"its card may be signed by itself: lyrikstore verify {name}/{README}"
    elif there is not None and there.detail.get("reason") == "no-store":
        yield (
            f"{name} is {there.summary}: lyrikstore verify {report.subject} --store PATH; one out "
            "of a delivery or a folder is verified with that"
        )
