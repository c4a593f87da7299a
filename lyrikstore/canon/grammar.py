"""Counts in the words of a message."""


def counted(count: int, one: str, many: str = "") -> str:
    """Return ``1 pack``, ``2 packs``, ``0 entries``: a count and the noun in its number.

    Args:
        count: How many.
        one: The noun for one, with its verb if that changes as well: ``pack is``.
        many: The same for any other number; made from ``one`` if it is regular.
    """
    return f"{count} {one if count == 1 else many or _plural(one)}"


def _plural(one: str) -> str:
    return f"{one[:-1]}ies" if one.endswith("y") and one[-2] not in "aeiou" else f"{one}s"
