"""Templates with names of fields: ``{question} – {answer}`` (spec §12.5.16)."""

import re
from collections.abc import Callable
from typing import Self

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


class Template(Struct, frozen=True):
    """A parsed template.

    Attributes:
        parts: Texts and names of fields in turn; the first and the last part are texts.
    """

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, place: str) -> Self:
        """Parse a template; ``place`` is its name in messages.

        Raises:
            InvalidInputError: (``bad-recipe``) a brace encloses no name, or there is no name.
        """
        parts = [""]
        end = 0
        for token in _TOKEN.finditer(text):
            parts[-1] += text[end : token.start()]
            end = token.end()
            match token[0]:
                case "{{" | "}}":
                    parts[-1] += token[0][0]
                case "{" | "}":
                    where = f"at character {token.start() + 1}"
                    raise _bad(f"{place}: {token[0]!r} {where} encloses no name of a field")
                case _:
                    parts += [token[1], ""]
        parts[-1] += text[end:]
        if len(parts) == 1:
            raise _bad(f"{place} names no field")
        return cls(tuple(parts))

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that it names, each once."""
        return tuple(dict.fromkeys(self.parts[1::2]))

    def fill(self, value: Callable[[str], str | None]) -> str | None:
        """Return the text with values in place of names; None if no named field has a value."""
        if all(value(name) is None for name in self.names):
            return None
        return "".join(
            (value(part) or "") if at % 2 else part for at, part in enumerate(self.parts)
        )


def _bad(message: str) -> InvalidInputError:
    return InvalidInputError(
        "bad-recipe",
        message,
        hint='such as "{question} {answer}"; write a literal brace twice',
    )
