"""Office archives: their parts, unpacked within limits."""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Final
from xml.parsers import expat

from lyrikstore.curate.extract.limits import (
    MAX_ARCHIVE_PARTS,
    MAX_UNPACK_RATIO,
    MAX_UNPACKED_BYTES,
    RATIO_FROM_BYTES,
)
from lyrikstore.curate.extract.result import UnreadableError

_BLOCK: Final = 1 << 16
_RELATIONSHIP = "http://schemas.openxmlformats.org/package/2006/relationships|Relationship"
_SEPARATOR = "|"


class Archive:
    """An opened Office archive.

    Args:
        data: The whole file.

    Raises:
        UnreadableError: ``broken``, ``encrypted`` or ``too-large``.
    """

    def __init__(self, data: bytes) -> None:
        self._size = len(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
            raise UnreadableError("broken", "the archive cannot be opened") from None
        entries = self._zip.infolist()
        if len(entries) > MAX_ARCHIVE_PARTS:
            raise UnreadableError("too-large", f"more than {MAX_ARCHIVE_PARTS} parts")
        if any(entry.flag_bits & 1 for entry in entries):
            raise UnreadableError("encrypted", "an archive with a password")
        self._entries = {entry.filename: entry for entry in entries}
        # ATTACK: two parts with the same name; one program shows the first, another the second.
        if len(self._entries) != len(entries):
            raise UnreadableError("broken", "two parts of the archive have one name")
        self._left = MAX_UNPACKED_BYTES

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a part.

        Raises:
            UnreadableError: ``broken`` or ``too-large``.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise UnreadableError("broken", "a part of the archive is missing")
        packed = max(1, min(entry.compress_size, self._size))
        taken = 0
        try:
            with self._zip.open(entry) as file:
                while block := file.read(_BLOCK):
                    taken += len(block)
                    self._left -= len(block)
                    # ATTACK: an archive may state false sizes, so the unpacked bytes are counted.
                    if self._left < 0:
                        detail = f"more than {MAX_UNPACKED_BYTES} bytes unpacked"
                        raise UnreadableError("too-large", detail)
                    if taken > RATIO_FROM_BYTES and taken > packed * MAX_UNPACK_RATIO:
                        raise UnreadableError("too-large", f"unpacks {MAX_UNPACK_RATIO}-fold")
                    yield block
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            NotImplementedError,
            RuntimeError,
            ValueError,
        ):
            raise UnreadableError("broken", "a part of the archive cannot be unpacked") from None

    def parse(
        self,
        name: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None],
        text: Callable[[str], None],
    ) -> None:
        """Parse a part as XML and call the handlers, with names as ``NAMESPACE|NAME``.

        Raises:
            UnreadableError: ``broken`` or ``too-large``.
        """
        parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        # ATTACK: entities that expand without end, or name files and URLs. Office writes no DTD.
        parser.StartDoctypeDeclHandler = _refuse_dtd
        try:
            for block in self.blocks(name):
                parser.Parse(block, False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise UnreadableError("broken", f"bad XML at line {error.lineno}") from None

    def relationships(self, part: str) -> dict[str, tuple[str, str]]:
        """Return the relationships of a part (``""``: of the archive): id → type, part.

        Relationships to targets outside the archive are left out: nothing is fetched.

        Raises:
            UnreadableError: ``broken`` or ``too-large``.
        """
        folder, name = posixpath.split(part)
        place = posixpath.join(folder, "_rels", f"{name}.rels")
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == _RELATIONSHIP and attributes.get("TargetMode", "Internal") == "Internal":
                target = posixpath.normpath(
                    posixpath.join("/", folder, attributes.get("Target", ""))
                )
                kind = attributes.get("Type", "").rpartition("/")[2]
                found[attributes.get("Id", "")] = (kind, target.lstrip("/"))

        if place in self:
            self.parse(place, start, _ignore, _ignore)
        return found


def _refuse_dtd(*_: object) -> None:
    raise UnreadableError("broken", "XML with a document type, which Office does not write")


def _ignore(*_: object) -> None:
    pass
