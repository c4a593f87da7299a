"""The code points that Unicode 14.0.0 assigns, from ``spec/unicode-14.json``, for tree paths.

Normalisation and case folding are stable for assigned characters only. With the table of the
running Python, a path could be refused on one machine and accepted on another.
"""

from bisect import bisect_right

from msgspec import Struct
from msgspec.json import decode

from lyrikstore.canon.files import data_folder, read_packaged


class _Table(Struct):
    assigned: tuple[str, ...]


_RANGES = decode(read_packaged(data_folder("spec") / "unicode-14.json"), type=_Table).assigned
# The first code points of what is assigned, and of what follows it.
_STARTS = [int(end, 16) + place for one in _RANGES for place, end in enumerate(one.split("-"))]


def is_assigned(character: str) -> bool:
    """Return whether Unicode 14.0.0 assigns ``character``.

    Cost: one binary search in a table of some 1,400 numbers.
    """
    return bisect_right(_STARTS, ord(character)) % 2 == 1
