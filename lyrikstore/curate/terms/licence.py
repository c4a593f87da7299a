"""Licence expressions: SPDX, checked when they are stated, not when somebody relies on them."""

from typing import Any

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import unknown_word
from lyrikstore.credentials.terms.model import NO_LICENCE

MAX_CHARACTERS, MAX_LEVELS = 8192, 64
"""Longest expression, and most brackets within each other: its parser recurses."""


def parse_licence(expression: str) -> str:
    """Return an SPDX licence expression in its canonical spelling.

    Args:
        expression: Such as ``CC-BY-4.0`` or ``MIT OR LicenseRef-Acme-Terms-1``.

    Raises:
        InvalidInputError: (``bad-licence``) not an expression, longer than :data:`MAX_CHARACTERS`,
            nested deeper than :data:`MAX_LEVELS`, an exception where a licence must
            stand or the other way round, or an id that SPDX does not list and that does not start
            with ``LicenseRef-``; near matches named.
    """
    if len(expression) > MAX_CHARACTERS or _levels(expression) > MAX_LEVELS:
        raise InvalidInputError(
            "bad-licence",
            f"a licence expression of more than {MAX_CHARACTERS} characters, or with more than "
            f"{MAX_LEVELS} brackets within each other",
            hint="a licence of your own is LicenseRef-NAME",
        )
    from license_expression import ExpressionError, get_spdx_licensing  # slow to load

    licensing = get_spdx_licensing()

    def parsed_as(*, strict: bool) -> Any:
        try:
            return licensing.parse(expression, validate=False, strict=strict)
        # Of "( )" it says IndexError, of others AssertionError.
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
            f"{parsed} is no licence",
            hint=f"leave it out: what has no licence states none; a partition says {NO_LICENCE}",
        )
    for symbol in licensing.license_symbols(parsed, unique=True, decompose=True):
        key = symbol.key
        if key in licensing.known_symbols or key.startswith(("LicenseRef-", "DocumentRef-")):
            continue
        raise unknown_word(
            *("bad-licence", "SPDX licence", key, licensing.known_symbols),
            otherwise="spdx.org/licenses lists them; a licence of your own is LicenseRef-NAME",
        )
    # Only now, for it would call a misspelt exception a licence: what stands where it may.
    return str(parsed_as(strict=True))


def _levels(expression: str) -> int:
    level = most = 0
    for character in expression:
        level += (character == "(") - (character == ")")
        most = max(most, level)
    return most
