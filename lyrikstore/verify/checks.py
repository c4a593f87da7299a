"""The checks and procedures of spec/11-verification.md, as ``spec/checks.json`` has them.

Whoever adds a check adds it there, to the procedures that make it, and writes the one function
that makes it.

>>> PROCEDURES["envelope"].checks
('format', 'envelope')
>>> not_proven("since", "2026-11-24T12:00:00Z")
'that the issuer still stands by it after 2026-11-24T12:00:00Z, when its status lists were made'
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.json import decode

from lyrikstore.canon.files import data_folder, read_packaged


class CheckDefinition(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What is known of a check before it is made.

    Attributes:
        spec: The section that defines it.
        w3c: The section that defines it in profile ``w3c``, where that is another.
        doubt: Why a ``warn`` makes the verdict at best ``valid``, if it does: ``trust``, sound, but
            by nobody the trust file knows, or for somebody else; ``measured``, not measured again.
        reasons: The codes it gives.
        reasons_of: Checks whose codes it gives, too, for it rests on them.
    """

    spec: str
    w3c: str | None = None
    doubt: Literal["trust", "measured"] | None = None
    reasons: frozenset[str] = frozenset()
    reasons_of: tuple[str, ...] = ()

    def place(self, profile: str | None) -> str:
        """Return the section that defines it in that profile."""
        return self.w3c or self.spec if profile == "w3c" else self.spec


class Procedure(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What is made of one kind of thing.

    Attributes:
        checks: Ids of its checks, in order.
        optional: Those that need not be made.
        unread: What checks say that are not made, since what they look at cannot be read.
        not_proven: Ids of what none of its checks can show.
    """

    checks: tuple[str, ...]
    not_proven: tuple[str, ...]
    unread: "Unread"
    optional: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Ids of the checks that must have been made."""
        return tuple(check for check in self.checks if check not in self.optional)


class Unread(Struct, frozen=True, forbid_unknown_fields=True):
    """The code and the summary of a check that was not made."""

    reason: str
    text: str


class _Unproven(Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    when: str = ""


class _Table(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    checks: dict[str, CheckDefinition]
    procedures: dict[str, Procedure]
    not_proven: dict[str, _Unproven]


_TABLE = decode(read_packaged(data_folder("spec") / "checks.json"), type=_Table)

CHECKS: Mapping[str, CheckDefinition] = _TABLE.checks
"""Every check by its id. Ids are append-only."""

PROCEDURES: Mapping[str, Procedure] = _TABLE.procedures
"""Every procedure by its name."""

TRUST_CHECKS = frozenset(name for name, check in CHECKS.items() if check.doubt == "trust")
DOUBTFUL_CHECKS = frozenset(name for name, check in CHECKS.items() if check.doubt)


def not_proven(name: str, *parts: str) -> str:
    """Return the sentence about what is not proven, with ``parts`` in its gaps."""
    return _TABLE.not_proven[name].text.format(*parts)
