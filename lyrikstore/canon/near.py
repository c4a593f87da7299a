"""Errors that name what the user probably meant."""

from collections.abc import Iterable

from lyrikstore.canon.errors import InvalidInputError


def near(got: str, known: Iterable[str]) -> str:
    """Return the question whether something similar was meant, or nothing where nothing is."""
    from difflib import get_close_matches

    names = get_close_matches(got, sorted(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(repr(name) for name in names)}?" if names else ""


def unknown(
    kind: str, what: str, got: str, known: Iterable[str], *, otherwise: str = ""
) -> InvalidInputError:
    """Return the error for a word that is not among ``known``, with near matches in the hint.

    Args:
        kind: The error kind.
        what: Such as ``key in step 2``; the message reads "unknown WHAT 'GOT'".
        got: What the user wrote.
        known: What would have been accepted.
        otherwise: The hint where nothing is near, instead of a list of what is known.
    """
    names = sorted(known)
    listed = f"known: {', '.join(names)[:300]}" if names else "nothing is accepted here"
    hint = near(got, names) or otherwise or listed
    return InvalidInputError(kind, f"unknown {what} {got[:80]!r}", hint=hint, details={"got": got})
