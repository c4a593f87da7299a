"""Licence expressions: SPDX, checked when a publisher states them, not only when they are used."""

from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import unknown_word
from lyrikstore.credentials.terms.model import NO_LICENCE

MAX_CHARACTERS, MAX_LEVELS = 8192, 64
"""Longest expression, and deepest nesting of brackets: its parser recurses."""


def parse_licence(expression: str) -> str:
    """Return an SPDX licence expression in its canonical spelling.

    Args:
        expression: Such as ``CC-BY-4.0`` or ``MIT OR LicenseRef-Acme-Terms-1``.

    Raises:
        InvalidInputError: (``bad-licence``) it is not an expression, is longer than
            :data:`MAX_CHARACTERS` or nested deeper than :data:`MAX_LEVELS`, has an exception in
            place of a licence or a licence in place of an exception, or an id that SPDX does not
            list and that does not start with ``LicenseRef-``; the message lists similar ids.
    """
    if len(expression) > MAX_CHARACTERS or _levels(expression) > MAX_LEVELS:
        raise InvalidInputError(
            "bad-licence",
            f"the licence expression has more than {MAX_CHARACTERS} characters, or more than "
            f"{MAX_LEVELS} nested brackets",
            hint="give your own licence one name: LicenseRef-NAME",
        )
    from license_expression import ExpressionError, get_spdx_licensing  # slow to load

    licensing = get_spdx_licensing()

    def parsed_as(*, strict: bool) -> Any:
        try:
            return licensing.parse(expression, validate=False, strict=strict)
        # The parser raises IndexError for "( )", and AssertionError for other expressions.
        except (ExpressionError, AssertionError, LookupError, AttributeError, TypeError) as error:
            raise InvalidInputError(
                "bad-licence",
                f"{expression[:200]!r} is not a licence expression ({str(error)[:120]})",
                hint="such as CC-BY-4.0, MIT OR Apache-2.0, LicenseRef-Acme-Terms-1",
            ) from None

    parsed = parsed_as(strict=False)
    if parsed is None:
        raise InvalidInputError(
            "bad-licence", "the licence expression is empty", hint="such as CC-BY-4.0"
        )
    if str(parsed) in (NO_LICENCE, "NOASSERTION"):
        raise InvalidInputError(
            "bad-licence",
            f"{parsed} is not a licence",
            hint=f"omit it if the data has no licence; in a partition, write {NO_LICENCE}",
        )
    for symbol in licensing.license_symbols(parsed, unique=True, decompose=True):
        key = symbol.key
        if key in licensing.known_symbols or key.startswith(("LicenseRef-", "DocumentRef-")):
            continue
        raise unknown_word(
            *("bad-licence", "SPDX licence", key, licensing.known_symbols),
            otherwise="spdx.org/licenses lists them; a licence of your own is LicenseRef-NAME",
        )
    # Only after the other check, as this one would call a misspelt exception a licence.
    return str(parsed_as(strict=True))


def _levels(expression: str) -> int:
    level = most = 0
    for character in expression:
        level += (character == "(") - (character == ")")
        most = max(most, level)
    return most
