"""The files of a log: entry bundles and tiles after c2sp.org/tlog-tiles (spec §7.4).

Pure functions. The entries alone determine every file, so that any holder of the log key can
complete files of a writer that crashed, and a checker can compare them byte for byte.
"""

from collections.abc import Iterator, Sequence

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.text import pluralize
from lyrikstore.history.log import merkle

TILE_WIDTH = 256
MAX_ENTRY_BYTES = 65_535


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a hash tile: ``tile/0/x001/x234/067`` or ``tile/1/000.p/3``.

    Args:
        level: 0 for leaf hashes; each level above holds the roots of full tiles below.
        index: Position of the tile in that level.
        width: Hashes in it; 256 is a full tile.

    Raises:
        InvalidInputError: (``bad-tile``) there can be no such tile.
    """
    if not 0 <= level < 64:
        raise InvalidInputError("bad-tile", f"no tile level {level}")
    return _path(str(level), index, width)


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of an entry bundle: ``tile/entries/x001/x234/067`` or ``….p/3``.

    Args:
        index: Position of the bundle.
        width: Entries in it; 256 is a full bundle.
    """
    return _path("entries", index, width)


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """Return an entry bundle: each entry after its length in two bytes, big-endian.

    Raises:
        FormatError: (``bad-leaf``) an entry is longer than 65,535 bytes.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise FormatError(
                "bad-leaf", f"a log entry of {pluralize(len(entry), 'byte')} is too long"
            )
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def paths_at(size: int) -> Iterator[str]:
    """Yield the paths of the partial files that a log of ``size`` entries had when published."""
    level, count = 0, size
    while count:
        index, width = divmod(count, TILE_WIDTH)
        if width and not level:
            yield entries_path(index, width)
        if width:
            yield tile_path(level, index, width)
        level, count = level + 1, index


def first_items(path: str, data: bytes) -> bytes | None:
    """Return the bytes of the partial file at ``path``, cut from a later or the full file.

    None if ``data`` has fewer items than the name states, or the name is not that of a partial
    file.
    """
    place, partial, width = path.partition(".p/")
    if not partial:
        return data
    if not width.isascii() or not width.isdigit() or not 0 < int(width) < TILE_WIDTH:
        return None
    end = 0
    if place.startswith("tile/entries/"):
        for _ in range(int(width)):
            if end >= len(data):
                return None
            end += 2 + int.from_bytes(data[end : end + 2], "big")
    else:
        end = 32 * int(width)
    return data[:end] if end <= len(data) else None


def new_files(
    entries: Sequence[bytes], hashes: Sequence[bytes], old_size: int
) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of every file that the log of ``entries`` adds to its older state.

    In writing order: bundles before tiles, low levels before high ones, so that a reader who sees
    a tile finds the files it was made from. Partial files of older sizes are other files and stay.

    Args:
        entries: All entries, from the first.
        hashes: Their leaf hashes.
        old_size: Entries whose files exist already; 0 yields all files of this size.

    Raises:
        InvalidInputError: (``bad-index``) a log cannot grow from ``old_size`` to this size.

    Cost: proportional to the new entries, plus at most 256 hashes per level and tile.
    """
    size = len(entries)
    if not 0 <= old_size <= size or len(hashes) != size:
        raise InvalidInputError(
            "bad-index", f"no log of {pluralize(size, 'entry')} extends one of {old_size}"
        )
    if size == old_size:
        return
    for index, width in _widths(old_size, size):
        start = index * TILE_WIDTH
        yield entries_path(index, width), encode_entries(entries[start : start + width])
    level, span = 0, 1  # span: leaves under one hash of this level
    while size // span > old_size // span:
        for index, width in _widths(old_size // span, size // span):
            start = index * TILE_WIDTH
            tile = (
                merkle.root(hashes[node * span : (node + 1) * span]) if span > 1 else hashes[node]
                for node in range(start, start + width)
            )
            yield tile_path(level, index, width), b"".join(tile)
        level += 1
        span *= TILE_WIDTH


def _widths(old_count: int, count: int) -> Iterator[tuple[int, int]]:
    for index in range(old_count // TILE_WIDTH, -(-count // TILE_WIDTH)):
        yield index, min(TILE_WIDTH, count - index * TILE_WIDTH)


def _path(kind: str, index: int, width: int) -> str:
    if index < 0 or not 1 <= width <= TILE_WIDTH:
        raise InvalidInputError("bad-tile", f"no tile {index} of width {width}")
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    path = f"tile/{kind}/{'/'.join(reversed(groups))}"
    return path if width == TILE_WIDTH else f"{path}.p/{width}"
