"""Lists of values to keep or to deny: literal words, with ``*`` for the rest of a word."""

import re
from collections.abc import Iterable
from unicodedata import normalize

from lyrikstore.canon.errors import InvalidInputError

MAX_VALUES = 1000
MAX_LENGTH = 200  # code points of a value
VALUES = {"maxItems": MAX_VALUES, "items": {"minLength": 2, "maxLength": MAX_LENGTH}}
"""The limits of a list, in keywords of JSON Schema."""

_SPACE = r"\s{1,200}"  # between words: a line end and the indentation of the next line
REST = r"[\w-]{0,64}"  # what an asterisk stands for


def compile_values(values: Iterable[str], place: str) -> re.Pattern[str] | None:
    """Return a pattern that matches the values as whole words, in any case; ``None`` for no values.

    Args:
        values: Words; a single space matches any white space.
        place: The list in messages, such as ``redact/2: keep``.

    Raises:
        InvalidInputError: (``bad-recipe``) there are too many values, or one is too long or has
            fewer than two letters or digits.
    """
    listed = sorted(set(values), key=lambda value: (-len(value), value))
    if len(listed) > MAX_VALUES:
        raise InvalidInputError(
            "bad-recipe",
            f"{place} has {len(listed):,} values, more than {MAX_VALUES:,}",
            hint="combine values with a common beginning: Acme*",
        )
    for value in listed:
        plain = sum(sign.isalnum() for sign in value)
        if plain < 2 or len(value) > MAX_LENGTH or value.count("*") > 4:
            raise InvalidInputError(
                "bad-recipe",
                f"{place}: {value!r} is not a value that can be searched for",
                hint=f"a value has at least two letters or digits, and at most {MAX_LENGTH} "
                "characters and four *",
            )
    if not listed:
        return None
    pattern = "|".join(
        _SPACE.join(REST.join(map(re.escape, word.split("*"))) for word in form.split())
        for value in listed
        for form in sorted({value, normalize("NFC", value), normalize("NFD", value)})
    )
    return re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", re.IGNORECASE)
