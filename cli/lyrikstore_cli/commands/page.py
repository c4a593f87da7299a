"""``lyrikstore page``: write the verification page for buyers without lyrikstore."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.errors import ConflictError, InvalidInputError, VerificationError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.text import pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.options import credential_file, force_output, write_output
from lyrikstore_cli.output.screen import size
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api.commands import Carried

MAX_BYTES = 128 << 20
MAX_TRUST = 1 << 20


@declare(
    "page",
    epilog="lyrikstore page -o verify.html\n"
    "lyrikstore page --with delivery -o acme-contracts.html\n"
    "lyrikstore page --compare verify-from-the-seller.html",
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
    "--with",
    "given",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Include a credential or a delivery (without its data) in the page; repeat it for files.",
)
@click.option(
    "--trust",
    "trust_file",
    type=click.Path(path_type=Path),
    help="Include this trust file in the page.",
)
@click.option(
    "--compare",
    "check",
    type=click.Path(path_type=Path),
    help="Compare this page with that of this installation; write nothing.",
)
@force_output
def command(
    session: Session,
    output: Path,
    given: tuple[Path, ...],
    trust_file: Path | None,
    check: Path | None,
    force: bool,
) -> None:
    """Write the page that verifies a delivery in a browser: one file, offline, nothing is sent.

    With `--with` the page includes a credential and its sibling files, and opens with their report;
    drop the data folder on it. A page from the sender of the data can show false results: use your
    own, or check theirs with `--compare`.
    """
    from lyrikstore.api.commands import Carried, page_fingerprint, verification_page

    if check is not None:
        _check(session, check)
        return
    if trust_file is not None and not given:
        raise click.UsageError("--trust needs --with CREDENTIAL")
    carried = _carried(given, trust_file) if given else None
    data = verification_page(carried)
    write_output(output, data, force=force)
    files = sorted(carried.files) if carried else []
    _emit(session, output, data, carried or Carried({}, None))
    inside = f" with {pluralize(len(files), 'file')} inside" if files else ""
    session.screen.result(
        f"✓ wrote    {output}{inside}, {size(len(data))}, page sha256 {page_fingerprint()}"
    )
    session.screen.hint(
        f"open it in a browser and drop the {'data' if files else 'delivery'} folder on it"
    )


def _carried(given: tuple[Path, ...], trust_file: Path | None) -> "Carried":
    """Read the files that the page includes; the first path is the credential or its delivery."""
    from lyrikstore.api.commands import MAX_CARRIED, Carried, read_siblings

    first, *more = given
    credential = credential_file(first)
    files = dict(read_siblings(credential)) if first.is_dir() else {}
    for name, path in (("credential.json", credential), *((one.name, one) for one in more)):
        if path is not credential and name in files:
            raise ConflictError("exists", f"two files have the name {name}")
        files[name] = _read(path, MAX_CARRIED)
    return Carried(files, None if trust_file is None else _read(trust_file, MAX_TRUST))


def _read(path: Path, limit: int) -> bytes:
    data = read_at_most(path, limit + 1)
    if len(data) > limit:
        raise InvalidInputError("too-large", f"{path} has more than {limit} bytes")
    return data


def _check(session: Session, path: Path) -> None:
    from hashlib import sha256

    from lyrikstore.api.commands import carried_by, page_fingerprint

    found = _read(path, MAX_BYTES)
    carried = carried_by(found)
    same = carried is not None
    digest = sha256(found).hexdigest()
    files = sorted(carried.files) if carried else []
    trust = carried is not None and carried.trust is not None
    _emit(session, path, found, carried)
    if not same:
        raise VerificationError(
            "another-page",
            f"{path} is not the page of this installation",
            hint="it may be of another version or manipulated: write your own with lyrikstore page",
            details={"sha256": digest, "own": page_fingerprint()},
        )
    session.screen.result(f"✓ {path} is the page of this installation, sha256 {page_fingerprint()}")
    if files:
        session.screen.result(
            f"  with {pluralize(len(files), 'file')} inside, which it verifies like any others"
        )
    if trust:
        session.screen.hint(
            "it includes a trust file, whose issuers you may not trust: load your own into the page"
        )


def _emit(session: Session, path: Path, data: bytes, carried: "Carried | None") -> None:
    from hashlib import sha256

    from lyrikstore.api.commands import page_fingerprint

    session.emit(
        "page",
        {
            "file": str(path),
            "sha256": sha256(data).hexdigest(),
            "bytes": len(data),
            "pageSha256": page_fingerprint(),
            "same": carried is not None,
            "carries": sorted(carried.files) if carried else [],
            "trust": carried is not None and carried.trust is not None,
        },
    )
