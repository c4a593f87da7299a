"""The checks and procedures of spec/11-verification.md, read from ``spec/checks.json``.

To add a check, add it to that file and to the procedures there that make it, and write the one
function that makes it.

>>> PROCEDURES["envelope"].checks
('format', 'envelope')
>>> not_proven("since", "2026-11-24T12:00:00Z")
'that the issuer still stands by it after 2026-11-24T12:00:00Z, when its status lists were made'
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field
from msgspec.json import decode

from lyrikstore.canon.files import data_folder, read_packaged


class CheckDefinition(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The definition of a check, from ``spec/checks.json``.

    Attributes:
        spec: The section that defines the check.
        w3c: The section that defines it in profile ``w3c``, if that is another section.
        limit_reason: Why a ``warn`` limits the verdict to ``valid``, if it does. ``trust``: sound,
            but signed by a key that is not in the trust file, or made for another party;
            ``measured``: not measured again; ``today``: no longer so.
        reasons: The reason codes of the check.
        reasons_of: Checks whose reason codes it gives as well, because it rests on them.
    """

    spec: str
    w3c: str | None = None
    limit_reason: Literal["trust", "measured", "today"] | None = field(default=None, name="doubt")
    reasons: frozenset[str] = frozenset()
    reasons_of: tuple[str, ...] = ()

    def place(self, profile: str | None) -> str:
        """Return the section that defines the check in a profile."""
        return self.w3c or self.spec if profile == "w3c" else self.spec


class Procedure(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The checks of one kind of thing.

    Attributes:
        checks: Ids of the checks, in order.
        optional: Ids of the checks that need not be made.
        unread: Code and summary of checks that are not made because their subject cannot be read.
        not_proven: Ids of the statements that none of the checks can prove.
    """

    checks: tuple[str, ...]
    not_proven: tuple[str, ...]
    unread: "Unread"
    optional: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """Ids of the checks that are not optional."""
        return tuple(check for check in self.checks if check not in self.optional)


class Unread(Struct, frozen=True, forbid_unknown_fields=True):
    """Code and summary of a check that was not made."""

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

TRUST_CHECKS = frozenset(name for name, check in CHECKS.items() if check.limit_reason == "trust")
DOUBTFUL_CHECKS = frozenset(name for name, check in CHECKS.items() if check.limit_reason)


def not_proven(name: str, *parts: str) -> str:
    """Return the sentence on one thing that is not proven, with ``parts`` filled in."""
    return _TABLE.not_proven[name].text.format(*parts)
