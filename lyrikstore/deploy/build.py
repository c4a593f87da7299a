"""The files of a deployed folder outside ``lyrikstore/``, written where it is built."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.errors import RunFailedError, storage_error
from lyrikstore.deploy.models.model import DeployedModel, Files
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.publish.cards.card import USUAL, answers_of
from lyrikstore.publish.cards.document import VALUES, CardForm, build_card
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.rendering.markdown import to_markdown
from lyrikstore.verify.deployment import layout

README = "README.md"
_USE = "USE.md"
_CARD_BYTES = 16 << 20
_PART = 1 << 20
_START = re.compile(rb"(?:---\n.*?\n---\n|#[^\n]*\n)", re.DOTALL)
_UNSIGNED = (
    b"> **This folder is unsigned.** Nobody signed which files it has, and nothing here shows that "
    b"they are those of the model that is named.\n"
)


class ReadMe(Struct, frozen=True):
    """The model card as text.

    Attributes:
        text: The text.
        with_data: What it holds of the data because somebody asked for it.
    """

    text: bytes
    with_data: tuple[str, ...] = ()


def readme_of(repository: Repository, facts: CardFacts, card: Manifest | None) -> ReadMe:
    """Return the text of a signed card; without one, of a draft.

    Args:
        repository: The store.
        facts: What it knows about the checkpoint.
        card: The signed card about this version of it, or None.

    Raises:
        VerificationError, IncompleteError, StorageError: The card cannot be read.
    """
    if card is None:
        draft = build_card(facts, answers_of(facts), [load_profile(USUAL["checkpoint"])])
        return ReadMe(to_markdown(draft.content))
    role = "markdown" if card.attachments_in("markdown") else "card"  # of 0.1.0, a text
    (attached,) = present_attachments(repository, card, role)
    text = repository.blobs.read(attached.id, max_bytes=_CARD_BYTES)
    return ReadMe(text, (VALUES,) if CardForm.of(card.body).tells_values else ())


def copy_exported(source: Path, folder: Path, exported: Mapping[str, str]) -> None:
    """Copy what a worker wrote for the target.

    Args:
        source: Where it wrote.
        folder: Where the folder is built.
        exported: Name → BLAKE3, as the worker took it before it wrote the file.

    Raises:
        RunFailedError: (``bad-output``) a file is another.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    for name, digest in exported.items():
        # ATTACK: whoever runs as the same user rewrites it between the worker and here.
        hasher, place = blake3(), folder / name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with (source / name).open("rb") as read, place.open("xb") as file:
                while part := read.read(_PART):
                    hasher.update(part)
                    file.write(part)
        except OSError as error:
            raise storage_error(error, f"writing {place.name}") from error
        if hasher.hexdigest() != digest:
            raise RunFailedError("bad-output", f"{place.name} is not what the worker wrote")


def texts_of(readme: ReadMe, notice: Files, model: DeployedModel, *, signed: bool) -> Files:
    """Return the files that are not the model's.

    Args:
        readme: The card.
        notice: ``NOTICE`` and texts of licences.
        model: The model, which was asked.
        signed: Whether the folder gets a manifest; else its texts say that it is unsigned.
    """
    files = {
        README: readme.text,
        **notice,
        "probe.jsonl": model.probe_file(),
        **model.usage_files(),
    }
    if not signed:
        files |= {name: _unsigned(files[name]) for name in (README, _USE)}
    return files


def _unsigned(text: bytes) -> bytes:
    """Return a text that says after its title, or its YAML block, that the folder is unsigned."""
    start = _START.match(text)
    at = start.end() if start is not None else 0
    return text[:at] + b"\n" + _UNSIGNED + b"\n" + text[at:].lstrip(b"\n")


def write_new(folder: Path, files: Files) -> None:
    """Write new files.

    Raises:
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    for name, data in files.items():
        place = folder / name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as file:
                file.write(data)
        except OSError as error:
            raise storage_error(error, f"writing {place.name}") from error


def write_sums(folder: Path) -> dict[str, bytes]:
    """Write ``SHA256SUMS`` over what is there; return path → SHA-256 of every file, it included.

    Raises:
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    sums: dict[str, bytes] = {}
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with path.open("rb") as file:
                    hasher = sha256()
                    while part := file.read(_PART):
                        hasher.update(part)
                sums[path.relative_to(folder).as_posix()] = hasher.digest()
    except OSError as error:
        raise storage_error(error, "reading what was written") from error
    lines = "".join(f"{digest.hex()}  {path}\n" for path, digest in sums.items()).encode()
    write_new(folder, {layout.SUMS: lines})
    sums[layout.SUMS] = sha256(lines).digest()
    return sums
