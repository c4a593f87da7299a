"""Options that several commands share, and functions that read their values."""

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
    """The type of a path that must exist; a missing one is our `no-file`, not a usage error.

    Args:
        wanted: The hint for a missing path: what the argument has to name.
    """

    def __init__(self, wanted: str = "") -> None:
        super().__init__(path_type=Path)
        self._wanted = wanted

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not os.path.lexists(path):  # a broken link is reported by whoever reads it
            raise _nothing_at(path, self._wanted) if self._wanted else no_file(path)
        return path


device = click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    help="For a generative model: processors (cpu) or one NVIDIA GPU (cuda).",
)
"""The option of commands that run a model."""

_DELIVERY = "a delivery is the folder that holds it; `lyrikstore issue REF -o FOLDER` writes one"
_LOOKED_AT = 1000

DATA_STEP = (
    "data is verified with the credential about it: lyrikstore verify credential.json --data"
)
"""The hint for data without a delivery; the caller appends a folder."""

EXISTING = _Existing()
"""The type of an argument that names a file or folder to read."""

DELIVERED = _Existing(
    "give a delivery, or a credential's file; a delivery is the folder that "
    "`lyrikstore issue REF -o FOLDER` writes"
)
"""The type of an argument that names a delivery, or the file of a credential."""

GRANT = _Existing("give the file of a grant, which `lyrikstore grant` writes")
"""The type of an argument that names the file of a grant."""

issuer_name = click.option(
    "--issuer-name", help="Your name in the credential: claimed, not proved."
)
issuer = click.option("--issuer", metavar="DID", help="Issue in the name of this did:web.")
did_document = click.option(
    "--did-document",
    type=EXISTING,
    help="The published document of the did:web; by default one that lists only your key.",
)
valid_for = click.option(
    "--valid-for", default="365d", show_default=True, help="Validity in days or years: 90d, 2y."
)
output_file = click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The file to write."
)
with_values = click.option(
    "--with-values",
    is_flag=True,
    help="Include values of the data, such as labels and licences of records, in the output.",
)
with_paths = click.option(
    "--with-paths", is_flag=True, help="Include paths of the data's files in the output."
)


html = click.option(
    "--html",
    type=click.Path(path_type=Path),
    help="Write the result with charts to this HTML file.",
)
"""The page of a result: one file, refused if it exists; ``verify FILE`` reads it back."""


def abstain_below(text: str) -> Callable[[Any], Any]:
    """Return the option for the confidence below which the model abstains."""
    return click.option(
        "--abstain-below", metavar="X", type=click.FloatRange(min=0, max=1), help=text
    )


def limit_from(decision: Mapping[str, Any]) -> str | None:
    """Return the origin of the confidence limit, such as ``validation``; None without a limit.

    Args:
        decision: The decision rule of a checkpoint, a deployment or a prediction.
    """
    return decision.get("limitFrom", "validation") if "abstainBelow" in decision else None


with_texts = click.option(
    "--with-texts", is_flag=True, help="Include texts of the data in the output."
)
"""Output for outsiders contains values, paths and texts only on request, and lists them."""

force_output = click.option("--force", is_flag=True, help="Replace an existing output file.")
status_url = click.option(
    "--status-url",
    metavar="URL",
    help="Where you publish status lists (https); without it outsiders see no revocation.",
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
    help="Use the workers of a Dask cluster; `local` starts some here.",
)
trust_file = click.option(
    "--trust", "trust_file", type=click.Path(path_type=Path), help="Use this trust file."
)
at = click.option("--at", help="Judge as of this time, such as 2026-11-24T00:00:00Z.")
PUBLISH_LISTS = (
    "publish the status lists at their URLs, and again every week: lyrikstore push, or "
    "lyrikstore credential publish"
)
"""The next step after a credential with status lists was issued."""

remote_options = click.option(
    "--set",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    help="A setting of the remote, such as region=eu-west-1; never a secret.",
)


def gathered(argument: str, read: Callable[..., Any], *some: Any) -> Callable[[Any], Any]:
    """Return a decorator that adds options, which the command gets as one argument.

    Args:
        argument: The name of that argument.
        read: Makes the argument from the options, which it gets by name.
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
    """Return a decorator that adds options about the issuer and the status of a credential.

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


def held(**included: bool) -> list[str]:
    """Return the names that are true, such as ``["values"]`` for ``values=True``."""
    return [name for name, wanted in included.items() if wanted]


def named_values(given: tuple[str, ...]) -> dict[str, str]:
    """Return the values of ``NAME=VALUE`` options by name.

    Raises:
        InvalidInputError: (``usage``) A text has another form, or a name is repeated.
    """
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or name in values:
            raise InvalidInputError("usage", f"--set takes NAME=VALUE, each name once: {text[:80]}")
        values[name] = value
    return values


def words(text: str) -> tuple[str, ...]:
    """Return the words of a list such as ``train,evaluate`` or ``train evaluate``."""
    return tuple(text.replace(",", " ").split())


def duration(text: str) -> timedelta:
    """Return the duration of a text such as ``90d`` or ``2y``.

    Raises:
        InvalidInputError: (``bad-validity``) The text has another form.
    """
    found = re.fullmatch(r"([1-9]\d{0,3})([dy])", text)
    if found is None:
        raise InvalidInputError(
            "bad-validity",
            f"{text[:80]} is not a duration",
            hint="write days or years, such as 365d or 2y",
        )
    return timedelta(days=int(found[1]) * (365 if found[2] == "y" else 1))


def until(text: str, start: datetime) -> datetime:
    """Return the end of a validity: a moment, a day (its last second), or a duration.

    Raises:
        InvalidInputError: (``bad-validity``) The text is none of these.
    """
    if re.fullmatch(r"\d+[dy]", text):
        return start + duration(text)
    try:
        return parse_timestamp(text if "T" in text else f"{text}T23:59:59Z")
    except FormatError:
        raise InvalidInputError(
            "bad-validity",
            f"{text[:80]} is not an end of validity",
            hint="write a day as 2027-12-31, a moment as 2027-12-31T12:00:00Z, or 365d",
        ) from None


def read_file(path: Path, limit: int = MAX_JSON_BYTES) -> bytes:
    """Return the bytes of a small file, at most one more than whoever parses it accepts.

    Args:
        path: The file.
        limit: How many bytes that is; by default what a credential may have.

    Raises:
        LyrikstoreError: As :func:`read_at_most`.
    """
    return read_at_most(path, limit + 1)


def read_answer_file(path: Path | None) -> bytes | None:
    """Return the bytes of an option's file (:func:`read_file`), or None without the option."""
    return None if path is None else read_file(path)


def read_credential(path: Path) -> bytes:
    """Return the bytes of the credential that ``path`` names (:func:`credential_file`)."""
    return read_file(credential_file(path))


def credential_file(path: Path) -> Path:
    """Return the credential's path: ``path`` itself, or credential.json in a delivery folder.

    Raises:
        NotFoundError: (``no-file``) ``path`` is a folder without credential.json.
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
    # The user may have named the parent of the delivery, or its data folder.
    for near in (folder.absolute().parent, *found):
        if os.path.lexists(near / "credential.json"):
            return NotFoundError("no-file", message, hint=f"the delivery is {near}")
    return NotFoundError("no-file", message, hint=f"{_DELIVERY}; {DATA_STEP} {folder}")


def field_roles(command: Any) -> Any:
    """Add the options that name the roles of fields; the command gets them as ``roles``."""

    def read(
        text: tuple[str, ...], id_field: str, licence_field: str, **given: str
    ) -> "FieldRoles":
        from lyrikstore.api import FieldRoles

        return FieldRoles(text, id=id_field, licence=licence_field, **given)

    several = "The field that holds the text; repeat it for several."
    some = [click.option("--text", multiple=True, metavar="FIELD", help=several)]
    for option, name, help_text in _ROLES:
        what = "TEXT" if name == "label_separator" else "FIELD"
        some.append(click.option(option, name, default="", metavar=what, help=help_text))
    return gathered("roles", read, *some)(command)


def role_words(roles: "FieldRoles") -> list[str]:
    """Return the command line words that give these roles to :func:`field_roles`."""
    words = [word for name in roles.text for word in ("--text", name)]
    for option, name, _ in _ROLES:
        if field := getattr(roles, name.removesuffix("_field")):
            words += [option, field]
    return words


_ROLES = (
    ("--label", "label", "The field that holds the label, or a list of labels."),
    ("--label-separator", "label_separator", "The separator of several labels in one cell."),
    ("--id", "id_field", "The field with the unique id of the record."),
    ("--group", "group", "The field whose records stay in one part: patient, matter."),
    ("--split", "split", "The field with the part: train, validation or test."),
    ("--licence-field", "licence_field", "The field that holds the record's licence."),
)


def _nothing_at(path: Path, wanted: str) -> NotFoundError:
    from lyrikstore.api.commands import parse_ref

    message = f"there is no file or folder {path}"
    with contextlib.suppress(LyrikstoreError):
        parse_ref(str(path))
        message += "; the name of an object in a store cannot be used here"
    return NotFoundError("no-file", message, hint=wanted)


def check_new(path: Path) -> None:
    """Raise ``file-exists`` or ``no-folder`` unless a new file can be made at ``path``.

    It is called before the log changes.

    Raises:
        NotFoundError: (``no-folder``) The folder does not exist.
        ConflictError: (``file-exists``) There is a file or folder at ``path``.
    """
    if not path.parent.is_dir():
        raise NotFoundError(
            "no-folder", f"there is no folder {path.parent}", hint="create the folder first"
        )
    if path.exists() or path.is_symlink():
        raise ConflictError("file-exists", f"{path} exists already", hint="choose another name")


def write_new(path: Path, data: bytes) -> None:
    """Write a new file, atomically and durably.

    Raises:
        StorageError, NotFoundError, ConflictError: The file cannot be written and does not exist;
            or see :func:`check_new`.
    """
    check_new(path)
    try:
        create_file(path, data)
    except FileExistsError:
        raise ConflictError("file-exists", f"{path} exists already") from None  # since the check
    except OSError as error:
        raise storage_error(error, f"writing {path}") from error


def write_over(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write or replace a file atomically: it has the old content or all of the new.

    Args:
        path: The file. A pipe or another special file is written to directly.
        data: The content, or its parts.

    Raises:
        OSError: The file cannot be written.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        with path.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
    elif path.parent.is_dir():
        replace_file(path, data)
    else:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))


def check_output(path: Path, *, force: bool) -> None:
    """Raise before long work the errors that :func:`write_output` would raise after it.

    Raises:
        ConflictError: (``exists``) The file exists, and ``--force`` was not given.
        NotFoundError: (``no-folder``) The folder does not exist.
    """
    if not path.parent.is_dir():
        raise NotFoundError(
            "no-folder", f"there is no folder {path.parent}", hint="create the folder first"
        )
    if not force and os.path.lexists(path):
        raise exists(path)


def write_output(path: Path, data: bytes | Iterable[bytes], *, force: bool) -> None:
    """Write the file that ``-o`` names; replace an existing one only with ``--force``.

    Args:
        path: The file.
        data: The content, or its parts; if making them fails, ``path`` is unchanged.
        force: Whether to replace an existing file.

    Raises:
        ConflictError: (``exists``) The file exists.
        StorageError, NotFoundError: The file cannot be written.
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
    """Return the error for an existing output file without ``--force``."""
    return ConflictError("exists", f"{path} exists already", hint="add --force to replace it")


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files to a folder, replacing those of the same names, and return their paths.

    Args:
        folder: The folder; it is created if it is missing.
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
    """Write a credential and beside it the other files that a verifier needs; return the paths.

    They are its status lists, its log proof, its issuer's DID document and the key statements of
    the issuer's store.

    Raises:
        StorageError, ConflictError: As :func:`write_new`; the hint names the command that
            writes the logged credential again.
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
