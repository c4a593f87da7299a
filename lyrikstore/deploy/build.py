"""Building of a deployed folder: its files outside ``lyrikstore/``."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import RunFailedError, storage_errors
from lyrikstore.canon.progress import OnProgress
from lyrikstore.canon.quoting import name_some
from lyrikstore.history.checkout.checkout import checkout_tree
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.history.trees.tree import Tree
from lyrikstore.objects.store.blobs import BlobStore
from lyrikstore.publish.cards.card import USUAL, answers_of
from lyrikstore.publish.cards.document import build_card
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.gathering.form import VALUES, CardForm
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.rendering.markdown import to_markdown
from lyrikstore.train.serving.model import Files, ServedModel
from lyrikstore.verify.delivery.paths import walk
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


class WrittenFile(Struct, frozen=True):
    """Size and digests of a written file, taken from the bytes and not read back from the disk.

    Attributes:
        size: Its length in bytes.
        blake3: Its BLAKE3 digest.
        sha256: Its SHA-256 digest.
    """

    size: int
    blake3: Digest
    sha256: bytes


class FolderBuild:
    """A folder that is being built, with a record of every written file.

    ATTACK: a program of the same user adds files to it meanwhile, or rewrites them. Only the
    digests of the bytes that were written here count.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sizes: dict[str, int] = {}
        """Path → size in bytes of every written file."""
        self._files: dict[str, WrittenFile] = {}

    def write(self, files: Files) -> None:
        """Write new files.

        Raises:
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        for name, data in files.items():
            place = self.folder / name
            with storage_errors(f"writing {place.name}"):
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("xb") as file:
                    file.write(data)
            self._add(name, WrittenFile(len(data), Digest.of(data), sha256(data).digest()))

    def copy(self, source: Path, exported: Mapping[str, str]) -> None:
        """Copy the files that a worker wrote for the target.

        Args:
            source: The output folder of the worker.
            exported: Name → BLAKE3, which the worker computed before it wrote the file.

        Raises:
            RunFailedError: (``bad-output``) a file has another digest.
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        for name, digest in exported.items():
            place, size, fast, other = self.folder / name, 0, blake3(), sha256()
            with storage_errors(f"writing {place.name}"):
                place.parent.mkdir(parents=True, exist_ok=True)
                with (source / name).open("rb") as read, place.open("xb") as file:
                    while part := read.read(_PART):
                        size += len(part)
                        fast.update(part)
                        other.update(part)
                        file.write(part)
            if fast.hexdigest() != digest:
                raise RunFailedError(
                    "bad-output", f"{place.name} differs from the file that the worker wrote"
                )
            self._add(name, WrittenFile(size, Digest(fast.digest()), other.digest()))

    def check_out(self, tree: Tree, blobs: BlobStore, progress: OnProgress) -> None:
        """Write the files of a tree; raises as :func:`checkout_tree`."""
        checkout_tree(tree, blobs, self.folder, progress=progress)
        self.sizes |= zip(tree.paths, tree.sizes, strict=True)

    def list_files(self) -> Mapping[str, WrittenFile]:
        """Write ``SHA256SUMS`` of the files, and return all files in the order of paths.

        Raises:
            StorageError: Storage backend error: disk full, read-only, I/O error.
        """
        lines = (f"{self._files[path].sha256.hex()}  {path}\n" for path in sorted(self._files))
        self.write({layout.SUMS: "".join(lines).encode()})
        return dict(sorted(self._files.items()))

    def check(self) -> None:
        """Raise ``bad-output`` unless the folder has exactly the files that were written here.

        Raises:
            RunFailedError: (``bad-output``) the folder has another file, or lacks one.
            LyrikstoreError: The folder cannot be listed.
        """
        found = dict(walk(self.folder))
        wrong = {path for path, is_file in found.items() if path not in self.sizes or not is_file}
        wrong |= self.sizes.keys() - found.keys()
        if wrong:
            raise RunFailedError(
                "bad-output",
                f"the folder was changed while it was built: {name_some(sorted(wrong))}",
                hint="find the program that writes there, and run this again",
            )

    def _add(self, name: str, written: WrittenFile) -> None:
        self._files[name] = written
        self.sizes[name] = written.size


class ReadMe(Struct, frozen=True):
    """The model card as text.

    Attributes:
        text: The text.
        with_data: The values of the data that it contains on request.
    """

    text: bytes
    with_data: tuple[str, ...] = ()


def readme_of(repository: Repository, facts: CardFacts, card: Manifest | None) -> ReadMe:
    """Return the text of the signed card, or of a draft if there is none.

    Args:
        repository: The store.
        facts: The card facts of the checkpoint.
        card: The signed card of this version of the checkpoint, or None.

    Raises:
        VerificationError, IncompleteError, StorageError: The card cannot be read.
    """
    if card is None:
        draft = build_card(facts, answers_of(facts), [load_profile(USUAL["checkpoint"])])
        return ReadMe(to_markdown(draft.content))
    role = "markdown" if card.attachments_in("markdown") else "card"  # of 0.1.0, a text
    (attached,) = present_attachments(repository, card, role)
    text = repository.blobs.read(attached.id, max_bytes=_CARD_BYTES)
    return ReadMe(text, (VALUES,) if CardForm.of(card.body).contains_values else ())


def texts_of(
    readme: ReadMe,
    notice: Files,
    model: ServedModel,
    *,
    check: Mapping[str, Any] | None,
    signed: bool,
) -> Files:
    """Return the text files of the folder: readme, notice, usage and checks.

    Args:
        readme: The text of the card.
        notice: ``NOTICE`` and texts of licences.
        model: The served model.
        check: The comparison of the folder's answers, as in its manifest; None: not compared.
        signed: Whether the folder gets a manifest; if not, its texts state that it is unsigned.
    """
    files = {
        README: readme.text,
        **notice,
        "probe.jsonl": model.probe_file(),
        **model.usage_files(check),
    }
    if not signed:
        files |= {name: _unsigned(files[name]) for name in (README, _USE)}
    return files


def _unsigned(text: bytes) -> bytes:
    """Return a text with the note, after its title or YAML block, that the folder is unsigned."""
    start = _START.match(text)
    at = start.end() if start is not None else 0
    return text[:at] + b"\n" + _UNSIGNED + b"\n" + text[at:].lstrip(b"\n")
