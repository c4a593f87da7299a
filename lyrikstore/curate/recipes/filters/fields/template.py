"""Texts with names of fields in them: ``{question} – {answer}`` (spec §12.5.16)."""

import re
from collections.abc import Callable
from typing import Self

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


class Template(Struct, frozen=True):
    """A parsed template.

    Attributes:
        parts: Text, then the name of a field, then text, and so on; text at both ends.
    """

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, place: str) -> Self:
        """Return the template in ``text``; ``place`` is what to call it.

        Raises:
            InvalidInputError: (``bad-recipe``) a brace that belongs to no name, or no name at all.
        """
        parts = [""]
        end = 0
        for found in _TOKEN.finditer(text):
            parts[-1] += text[end : found.start()]
            end = found.end()
            match found[0]:
                case "{{" | "}}":
                    parts[-1] += found[0][0]
                case "{" | "}":
                    raise _bad(f"{place}: {found[0]!r} at character {found.start() + 1} is alone")
                case _:
                    parts += [found[1], ""]
        parts[-1] += text[end:]
        if len(parts) == 1:
            raise _bad(f"{place} names no field")
        return cls(tuple(parts))

    @property
    def names(self) -> tuple[str, ...]:
        """The fields in it, each once."""
        return tuple(dict.fromkeys(self.parts[1::2]))

    def fill(self, value: Callable[[str], str | None]) -> str | None:
        """Return the text with values in place of names; None if none of them has a value."""
        if all(value(name) is None for name in self.names):
            return None
        return "".join(
            (value(part) or "") if at % 2 else part for at, part in enumerate(self.parts)
        )


def _bad(message: str) -> InvalidInputError:
    return InvalidInputError(
        "bad-recipe",
        message,
        hint='such as "{question} {answer}"; a brace that is meant so is written twice',
    )
