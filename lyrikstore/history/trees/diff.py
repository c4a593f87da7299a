"""Comparison of two trees by their bytes: shared lines are compared, not parsed.

Trees are canonical and sorted, so the same line in both is the same file in both; versions of one
dataset share nearly all of them.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple

from lyrikstore.canon.errors import FormatError

_STRIDE = 1 << 10
_LONGEST = 1 << 20
_MARK = b'"path":"'  # not inside a path, where a quotation mark is escaped


class TreeDifference(NamedTuple):
    """A file that differs between two trees.

    Attributes:
        path: Its path.
        old: Its line in the first tree; empty if that tree does not have it.
        new: Its line in the second tree; empty if that tree does not have it.
        at: Offset in the second tree at which ``new``, or the next line, starts.
    """

    path: str
    old: bytes
    new: bytes
    at: int


def differences(old: bytes, new: bytes) -> Iterator[TreeDifference]:
    """Yield the files that differ between two trees, in path order.

    Args:
        old: The bytes of the first tree; lines that ``new`` shares are not checked.
        new: The bytes of the second tree.

    Raises:
        FormatError: (``bad-tree``) a line that only one tree has is not an entry.

    Cost: a comparison of the bytes they share, and O(1) for each file that differs.
    """
    left = right = 0
    while left < len(old) or right < len(new):
        was, now = _line(old, left), _line(new, right)
        if was == now:
            alike = max(len(was), _alike(old, left, new, right))
            left, right = left + alike, right + alike
            continue
        before, after = _path(was), _path(now)
        if was and now and before != after:
            was, now = (was, b"") if before < after else (b"", now)
        path = before if was else after
        yield TreeDifference(path.decode("utf-8", "replace"), was, now, right)
        left, right = left + len(was), right + len(now)


def _alike(old: bytes, left: int, new: bytes, right: int) -> int:
    # The length of the whole lines that both have from here on; in strides that grow.
    start, stride, most = left, _STRIDE, min(len(old) - left, len(new) - right)
    shift = right - left
    end = start + most
    while start < end and stride:
        step = min(stride, end - start)
        if old[start : start + step] == new[start + shift : start + shift + step]:
            start += step
            stride = min(2 * stride, _LONGEST)
        elif step == 1:
            break
        else:
            end = start + step
            stride = step // 2
    return max(0, old.rfind(b"\n", left, start) + 1 - left)


def _line(data: bytes, start: int) -> bytes:
    end = data.find(b"\n", start) + 1
    return data[start:end] if end else data[start:]


def _path(line: bytes) -> bytes:
    # In UTF-8, whose order is that of the paths.
    if not line:
        return b""
    _, mark, rest = line.rpartition(_MARK)
    if not mark or not rest.endswith(b'"}\n'):
        raise FormatError("bad-tree", "a line of a tree is not an entry")
    text = rest[:-3]
    if b"\\" in text:
        try:
            text = json.loads(b'"' + text + b'"').encode()
        except (ValueError, UnicodeEncodeError):
            raise FormatError("bad-tree", "a line of a tree is not an entry") from None
    return text
