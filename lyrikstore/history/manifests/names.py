"""Names of manifests and the REFs that users type for them (spec §6.3).

A name is ``KIND/NAMESPACE/NAME`` with the kind in plural. Documents always contain the full name;
users may omit ``datasets/``, name an earlier version with ``~N``, or type an id or its first
digits.
"""

import re
from typing import Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.history.manifests.kinds import PREFIXES

_SEGMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_STEP = re.compile(r"(.+)~(0|[1-9][0-9]{0,8})")
_HEX = re.compile(r"[0-9a-f]+")
_LONGEST, _DIGITS = 64, 8

MIN_PREFIX = 8
"""Minimum number of hex digits of an abbreviated id; only for input, never inside documents."""


class Name(Struct, frozen=True, order=True):
    """A full name, such as ``datasets/acme/contracts``.

    Law: ``str(Name.parse(text)) == text`` for every text that parses.

    Attributes:
        prefix: The kind in plural, such as ``datasets``.
        namespace: Usually the organisation.
        leaf: The name within the namespace.
    """

    prefix: str
    namespace: str
    leaf: str

    def __post_init__(self) -> None:
        if self.prefix not in PREFIXES:
            raise FormatError(
                "bad-name",
                f"{self.prefix[:64]!r} is not a kind of name",
                hint=f"names start with one of: {', '.join(sorted(PREFIXES))}",
            )
        for segment in (self.namespace, self.leaf):
            if not _SEGMENT.fullmatch(segment):
                raise FormatError(
                    "bad-name",
                    f"{segment[:64]!r} cannot be part of a name",
                    hint="use 1 to 64 of a-z 0-9 . _ - and start with a letter or digit",
                )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a full name, the form inside documents.

        Raises:
            FormatError: (``bad-name``) it is not ``KIND/NAMESPACE/NAME``.
        """
        parts = text.split("/")
        if len(parts) != 3:
            raise FormatError("bad-name", f"not KIND/NAMESPACE/NAME: {text[:200]!r}")
        return cls(*parts)

    @property
    def part(self) -> str:
        """The name without its kind: ``acme/contracts``."""
        return f"{self.namespace}/{self.leaf}"

    def __str__(self) -> str:
        return f"{self.prefix}/{self.namespace}/{self.leaf}"


def with_suffix(leaf: str, suffix: str) -> str:
    """Return the last part of a name with a suffix; a long part is cut and gets a digest."""
    most = _LONGEST - len(suffix)
    if len(leaf) > most:  # two names may begin alike
        leaf = f"{leaf[: most - _DIGITS - 1]}-{Digest.of(leaf.encode()).hex[:_DIGITS]}"
    return f"{leaf}{suffix}"


def parse_name(text: str) -> Name:
    """Parse a name as users type it: ``acme/contracts`` means ``datasets/acme/contracts``.

    Raises:
        InvalidInputError: (``bad-name``) it is not a name; the hint shows the form of a name.
    """
    parts = text.split("/")
    if len(parts) == 2:
        if parts[0] in PREFIXES:
            raise InvalidInputError(
                "bad-name",
                f"{text[:200]!r} lacks a namespace or a name",
                hint=f"write it as {parts[0]}/NAMESPACE/NAME",
            )
        parts.insert(0, "datasets")
    try:
        return Name.parse("/".join(parts))
    except FormatError as error:
        hint = error.hint or "a name is NAMESPACE/NAME or KIND/NAMESPACE/NAME"
        raise InvalidInputError("bad-name", error.message, hint=hint) from None


class NameRef(Struct, frozen=True):
    """The version of a name that is ``back`` versions before its current one (first parents)."""

    name: Name
    back: int = 0

    def __str__(self) -> str:
        return f"{self.name}~{self.back}" if self.back else str(self.name)


class IdRef(Struct, frozen=True):
    """A full id."""

    id: Digest

    def __str__(self) -> str:
        return str(self.id)


class PrefixRef(Struct, frozen=True):
    """The first hex digits of an id; valid only if exactly one object has them."""

    hex: str

    def __str__(self) -> str:
        return f"blake3:{self.hex}…"


Ref = NameRef | IdRef | PrefixRef


def parse_ref(text: str) -> Ref:
    """Parse a REF that a user typed.

    Args:
        text: ``NAME``, ``NAME~N``, ``blake3:<64 hex>``, or at least 8 hex digits with or without
            ``blake3:``. A NAME may omit ``datasets/``.

    Raises:
        InvalidInputError: (``bad-ref`` or ``bad-name``) ``text`` is none of these.
    """
    digits = text.removeprefix("blake3:")
    if _HEX.fullmatch(digits) and len(digits) <= 64:
        if len(digits) == 64:
            return IdRef(Digest.parse_hex(digits))
        if len(digits) >= MIN_PREFIX:
            return PrefixRef(digits)
    if "/" not in text:
        raise InvalidInputError(
            "bad-ref",
            f"{text[:200]!r} is neither a name nor an id",
            hint="give NAMESPACE/NAME, KIND/NAMESPACE/NAME, or at least 8 hex digits of an id",
        )
    if "@" in text:
        raise InvalidInputError(
            "bad-ref",
            f"{text[:200]!r} names a tag, which this version of lyrikstore cannot resolve",
            hint="give the version's id, or NAME~N",
        )
    if "~" in text:
        found = _STEP.fullmatch(text)
        if found is None:
            raise InvalidInputError(
                "bad-ref",
                f"{text[:200]!r} does not have a number after ~",
                hint="such as acme/contracts~1",
            )
        return NameRef(parse_name(found[1]), int(found[2]))
    return NameRef(parse_name(text))
