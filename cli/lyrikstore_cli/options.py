"""Options that several commands have, and values that they read the same way."""

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.api.commands import STORE_FOLDER
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    storage_error,
    storage_errors,
)
from lyrikstore.canon.files import create_file, no_file, read_at_most, replace_file
from lyrikstore.canon.limits import MAX_JSON_BYTES
from lyrikstore.canon.timestamps import parse_timestamp

if TYPE_CHECKING:
    from lyrikstore.api import FieldRoles, Issuance, IssuedCredential


class _Existing(click.Path):
    """A path that has to be there: if not, that is said as everywhere, and not as bad usage.

    Args:
        wanted: What it has to be, said where there is nothing.
    """

    def __init__(self, wanted: str = "") -> None:
        super().__init__(path_type=Path)
        self._wanted = wanted

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not os.path.lexists(path):  # a link that leads nowhere is said where it is read
            raise _nothing_at(path, self._wanted) if self._wanted else no_file(path)
        return path


device = click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    help="Of a generative model: processors, or one NVIDIA GPU.",
)
"""The option of commands that ask a model."""

_DELIVERY = "a delivery is the folder that holds it; `lyrikstore issue REF -o FOLDER` writes one"
_LOOKED_AT = 1000

DATA_STEP = (
    "data is verified with the credential about it: lyrikstore verify credential.json --data"
)
"""What to do with data that came without a delivery; a folder follows."""

EXISTING = _Existing()
"""The type of an argument that names a file or folder to read."""

DELIVERED = _Existing(
    "give a delivery, or a credential's file; a delivery is the folder that "
    "`lyrikstore issue REF -o FOLDER` writes"
)
"""The type of one that names a delivery, or a credential by its file."""

GRANT = _Existing("give the file of a grant, which `lyrikstore grant` writes")
"""The type of one that names a grant."""

issuer_name = click.option("--issuer-name", help="What you call yourself; claimed, never proved.")
issuer = click.option("--issuer", metavar="DID", help="Issue in the name of this did:web.")
did_document = click.option(
    "--did-document",
    type=EXISTING,
    help="The did:web's published document; by default one that lists your key alone.",
)
valid_for = click.option(
    "--valid-for", default="365d", show_default=True, help="Days or years: 90d, 2y."
)
output_file = click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The file to write."
)
with_values = click.option(
    "--with-values",
    is_flag=True,
    help="What is handed on holds values of the data: labels, licences of records, and the like.",
)
with_paths = click.option(
    "--with-paths", is_flag=True, help="What is handed on holds paths of the data's files."
)


def abstain_below(text: str) -> Callable[[Any], Any]:
    """Return the option with a confidence below which nothing is answered."""
    return click.option(
        "--abstain-below", metavar="X", type=click.FloatRange(min=0, max=1), help=text
    )


def limit_from(decision: Mapping[str, Any]) -> str | None:
    """Return who set the confidence below which nothing is answered; None: nobody.

    Args:
        decision: As a checkpoint or a deployment has it, or as a prediction was made.
    """
    return decision.get("limitFrom", "validation") if "abstainBelow" in decision else None


with_texts = click.option(
    "--with-texts", is_flag=True, help="What is handed on holds texts of the data."
)
"""What is made for outsiders holds nothing of these unasked, and says what it holds."""

force_output = click.option("--force", is_flag=True, help="Replace what is at the output.")
status_url = click.option(
    "--status-url",
    metavar="URL",
    help="Where you publish status lists (https); without, outsiders learn of no revocation.",
)
replaces = click.option(
    "--supersedes",
    type=DELIVERED,
    help="A credential of yours that this one replaces; then: lyrikstore credential supersede.",
)
note = click.option("-m", "--message", default="", help="A note, signed with the version.")
dask = click.option(
    "--dask",
    metavar="ADDRESS",
    help="Share the work with a Dask cluster's workers; `local` starts some here.",
)
trust_file = click.option(
    "--trust", "trust_file", type=click.Path(path_type=Path), help="Another trust file."
)
at = click.option("--at", help="Judge for this moment, as 2026-11-24T00:00:00Z.")
PUBLISH_LISTS = (
    "publish the status lists at their URLs, and anew every week: lyrikstore push, or "
    "lyrikstore credential publish"
)
"""What to do next with a credential that can be taken back."""

remote_options = click.option(
    "--set",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    help="How to reach it, such as region=eu-west-1; never a secret.",
)


def gathered(argument: str, read: Callable[..., Any], *some: Any) -> Callable[[Any], Any]:
    """Return a decorator that gives a command options which reach it as one argument.

    Args:
        argument: Its name.
        read: Makes it of the options, which it gets by name.
        some: The options, as ``click.option`` declares them.
    """

    def give(command: Any) -> Any:
        @wraps(command)
        def run(session: Any, **values: Any) -> None:
            values[argument] = read(**{name: values.pop(name) for name in names})
            command(session, **values)

        declared: Any = run
        for option in reversed(some):
            declared = option(declared)
        names = [one.name for one in declared.__click_params__[-len(some) :]]
        return declared

    return give


def issuance(*some: Any) -> Callable[[Any], Any]:
    """Give a command options that say in whose name a credential is, and how it may end.

    They are some of ``issuer``, ``did_document``, ``issuer_name``, ``status_url`` and
    ``supersedes``; the command gets an ``issuance``.
    """

    def read(
        issuer: str | None = None,
        did_document: Path | None = None,
        issuer_name: str | None = None,
        status_url: str | None = None,
        supersedes: Path | None = None,
    ) -> "Issuance":
        from lyrikstore.api import Issuance

        return Issuance(
            name=issuer_name,
            organisation=issuer,
            did_document=read_answer_file(did_document),
            status_url=status_url,
            supersedes=None if supersedes is None else read_credential(supersedes),
        )

    return gathered("issuance", read, *some)


def held(**asked: bool) -> list[str]:
    """Return what of the data was asked for, such as ``["values"]`` for ``values=True``."""
    return [name for name, wanted in asked.items() if wanted]


def named_values(given: tuple[str, ...]) -> dict[str, str]:
    """Return what was given as ``NAME=VALUE``, by name.

    Raises:
        InvalidInputError: (``usage``) something else, or a name given twice.
    """
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or name in values:
            raise InvalidInputError("usage", f"--set takes NAME=VALUE, each name once: {text[:80]}")
        values[name] = value
    return values


def words(text: str) -> tuple[str, ...]:
    """Return the words of a list such as ``train,evaluate``; blanks part them as well."""
    return tuple(text.replace(",", " ").split())


def duration(text: str) -> timedelta:
    """Return a number of days or years.

    Raises:
        InvalidInputError: (``bad-validity``) something else.
    """
    found = re.fullmatch(r"([1-9]\d{0,3})([dy])", text)
    if found is None:
        raise InvalidInputError(
            "bad-validity", f"not a duration: {text}", hint="write days or years, as 365d or 2y"
        )
    return timedelta(days=int(found[1]) * (365 if found[2] == "y" else 1))


def until(text: str, start: datetime) -> datetime:
    """Return the end of a validity: a moment, a day (its last second), or a duration.

    Raises:
        InvalidInputError: (``bad-validity``) none of these.
    """
    if re.fullmatch(r"\d+[dy]", text):
        return start + duration(text)
    try:
        return parse_timestamp(text if "T" in text else f"{text}T23:59:59Z")
    except FormatError:
        raise InvalidInputError(
            "bad-validity",
            f"not an end: {text[:80]}",
            hint="write a day as 2027-12-31, a moment as 2027-12-31T12:00:00Z, or 365d",
        ) from None


def read_file(path: Path) -> bytes:
    """Return a small file, one byte more than any credential may have at most.

    Raises:
        LyrikstoreError: As :func:`read_at_most`.
    """
    return read_at_most(path, MAX_JSON_BYTES + 1)


def read_answer_file(path: Path | None) -> bytes | None:
    """Return the file of an option as :func:`read_file` does, or None where it was not given."""
    return None if path is None else read_file(path)


def read_credential(path: Path) -> bytes:
    """Return the credential that ``path`` means, as :func:`read_file` does."""
    return read_file(credential_file(path))


def credential_file(path: Path) -> Path:
    """Return the credential that ``path`` means: itself, or the one of a delivery folder.

    Raises:
        NotFoundError: (``no-file``) it is a folder, and no delivery.
    """
    if not path.is_dir():
        return path
    file = path / "credential.json"
    if not os.path.lexists(file):
        raise _no_delivery(path)
    return file


def _no_delivery(folder: Path) -> NotFoundError:
    message = f"there is no credential.json in {folder}"
    found: list[Path] = []
    with contextlib.suppress(OSError):
        found = sorted(folder.iterdir())[:_LOOKED_AT]
    if not found:
        return NotFoundError("no-file", f"{message}: the folder is empty", hint=_DELIVERY)
    if folder / STORE_FOLDER in found:
        hint = f"it holds a store: lyrikstore verify --store {folder / STORE_FOLDER}"
        return NotFoundError("no-file", message, hint=hint)
    # A stick is named for what is on it, or the data for what it was handed over in.
    for near in (folder.absolute().parent, *found):
        if os.path.lexists(near / "credential.json"):
            return NotFoundError("no-file", message, hint=f"the delivery is {near}")
    return NotFoundError("no-file", message, hint=f"{_DELIVERY}; {DATA_STEP} {folder}")


def field_roles(command: Any) -> Any:
    """Give a command the options that say which field has which role; it gets ``roles``."""

    def read(
        text: tuple[str, ...], id_field: str, licence_field: str, **given: str
    ) -> "FieldRoles":
        from lyrikstore.api import FieldRoles

        return FieldRoles(text, id=id_field, licence=licence_field, **given)

    several = "The field that holds the text; again for several."
    some = [click.option("--text", multiple=True, metavar="FIELD", help=several)]
    for option, name, help_text in _ROLES:
        what = "TEXT" if name == "label_separator" else "FIELD"
        some.append(click.option(option, name, default="", metavar=what, help=help_text))
    return gathered("roles", read, *some)(command)


def role_words(roles: "FieldRoles") -> list[str]:
    """Return the words that name these roles to a command with :func:`field_roles`."""
    words = [word for name in roles.text for word in ("--text", name)]
    for option, name, _ in _ROLES:
        if field := getattr(roles, name.removesuffix("_field")):
            words += [option, field]
    return words


_ROLES = (
    ("--label", "label", "The field that holds the label, or a list of labels."),
    ("--label-separator", "label_separator", "What stands between several labels in one cell."),
    ("--id", "id_field", "The field that names the record, once."),
    ("--group", "group", "The field that keeps records together: patient, matter."),
    ("--split", "split", "The field that says train, validation or test."),
    ("--licence-field", "licence_field", "The field that holds the record's licence."),
)


def _nothing_at(path: Path, wanted: str) -> NotFoundError:
    from lyrikstore.api.commands import parse_ref

    message = f"there is no file or folder {path}"
    with contextlib.suppress(LyrikstoreError):
        parse_ref(str(path))
        message += ", and the name of something in a store is not enough here"
    return NotFoundError("no-file", message, hint=wanted)


def check_new(path: Path) -> None:
    """Refuse a place where no new file can be, before something is logged that belongs there.

    Raises:
        NotFoundError: (``no-folder``) there is no such folder.
        ConflictError: (``file-exists``) there is something.
    """
    if not path.parent.is_dir():
        raise NotFoundError("no-folder", f"there is no folder {path.parent}", hint="make it first")
    if path.exists() or path.is_symlink():
        raise ConflictError("file-exists", f"{path} is there already", hint="choose another name")


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet: whole, and for good.

    Raises:
        StorageError, NotFoundError, ConflictError: It cannot be written, and is not there; or see
            :func:`check_new`.
    """
    check_new(path)
    try:
        create_file(path, data)
    except FileExistsError:
        raise ConflictError("file-exists", f"{path} is there already") from None  # a moment later
    except OSError as error:
        raise storage_error(error, f"writing {path}") from error


def write_over(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file that may be there: it has its old content or all of the new.

    Args:
        path: Where. What is no regular file, such as a pipe, is written to as it is.
        data: The content, or its parts.

    Raises:
        OSError: It cannot be written.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        with path.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
    elif path.parent.is_dir():
        replace_file(path, data)
    else:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))


def check_output(path: Path, *, force: bool) -> None:
    """Refuse what ``-o`` names before long work, where :func:`write_output` would after it.

    Raises:
        ConflictError: (``exists``) something is there, and nobody said ``--force``.
        NotFoundError: (``no-folder``) there is no such folder.
    """
    if not path.parent.is_dir():
        raise NotFoundError("no-folder", f"there is no folder {path.parent}", hint="make it first")
    if not force and os.path.lexists(path):
        raise exists(path)


def write_output(path: Path, data: bytes | Iterable[bytes], *, force: bool) -> None:
    """Write what ``-o`` names, over what is there only with ``--force``.

    Args:
        path: Where.
        data: The content, or its parts; if making them fails, nothing is there that was not.
        force: Whether to replace what is there.

    Raises:
        ConflictError: (``exists``) something is there.
        StorageError, NotFoundError: It cannot be written.
    """
    try:
        (write_over if force else create_file)(path, data)
    except LyrikstoreError:
        raise
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise storage_error(error, f"writing {path}") from error


def exists(path: Path) -> ConflictError:
    """Return what to say where something is at an output, and nobody said ``--force``."""
    return ConflictError("exists", f"{path} exists already", hint="add --force to replace it")


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files by name to a folder, in place of what has their names; return their paths.

    Args:
        folder: Made if it is missing.
        files: Name → content.

    Raises:
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    written = []
    for name, data in files.items():
        path = folder / name
        with storage_errors(f"writing {path}"):
            replace_file(path, data)
        written.append(path)
    return written


def write_credential(path: Path, result: "IssuedCredential") -> list[Path]:
    """Write a credential, and next to it what else a verifier needs; return the paths.

    That is its status lists, its log proof, its issuer's DID document, and what the issuer's store
    says of its keys.

    Raises:
        StorageError, ConflictError: As :func:`write_new`; the hint says how to write again what is
            logged by now.
    """
    named = {path.with_name(name): data for name, data in result.files(path).items()}
    try:
        for place, content in named.items():
            write_new(place, content)
    except (ConflictError, StorageError) as error:
        if result.log_index is not None:
            error.hint = (
                f"it is logged, as entry {result.log_index}; to write it again: "
                f"lyrikstore show {result.id.short} --raw > FILE"
            )
        raise
    return list(named)
