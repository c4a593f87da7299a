"""``lyrikstore page``: the verification page for a buyer who has no lyrikstore."""

from hashlib import sha256
from pathlib import Path

import click

from lyrikstore.canon.errors import ConflictError, VerificationError, storage_error
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session
from lyrikstore_cli.ui import size

MAX_BYTES = 8 << 20


@declare(
    "page",
    epilog="lyrikstore page -o verify.html\nlyrikstore page --check verify-from-the-seller.html",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("verify.html"),
    show_default=True,
    help="The file to write.",
)
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    help="Say whether this page is the one of this installation; write nothing.",
)
@click.option("--force", is_flag=True, help="Replace what is at the output.")
def command(session: Session, output: Path, check: Path | None, force: bool) -> None:
    """Write the page that verifies a delivery in a browser: one file, offline, nothing is sent.

    Whoever hands over data can hand over a page that lies. Use your own, or compare: --check.
    """
    from lyrikstore.web import fingerprint, page

    if check is not None:
        _check(session, check, fingerprint())
        return
    try:
        with output.open("wb" if force else "xb") as file:
            file.write(page())
    except FileExistsError:
        raise ConflictError(
            "exists", f"{output} exists already", hint="add --force to replace it"
        ) from None
    except OSError as error:
        raise storage_error(error, f"writing {output}") from error
    session.emit("page", {"file": str(output), "sha256": fingerprint(), "bytes": len(page())})
    session.screen.result(f"✓ wrote    {output}, {size(len(page()))}, sha256 {fingerprint()}")
    session.screen.hint("open it in a browser and drop the delivery folder on it")


def _check(session: Session, path: Path, own: str) -> None:
    try:
        with path.open("rb") as file:
            found = sha256(file.read(MAX_BYTES)).hexdigest()
    except OSError as error:
        raise storage_error(error, f"reading {path}") from error
    session.emit("page", {"file": str(path), "sha256": found, "same": found == own})
    if found != own:
        raise VerificationError(
            "another-page",
            f"{path} is not the page of this installation",
            hint="it may be of another version, or it may lie: write your own with lyrikstore page",
            details={"sha256": found, "own": own},
        )
    session.screen.result(f"✓ {path} is the page of this installation, sha256 {own}")
