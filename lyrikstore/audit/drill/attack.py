"""An attack of a drill, and whether verification caught it."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from msgspec import Struct

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.verify.report import Check, CheckState, Report

Target = TypeVar("Target")

CAUGHT, MISSED, NOT_APPLICABLE = "caught", "missed", "not-applicable"
_WORSE = (CheckState.WARN, CheckState.UNCHECKED, CheckState.FAIL)
"""The states of a check that raise a doubt, the worst last."""


class NotApplicableError(Exception):
    """There is nothing to attack: the message says what is missing."""


class Attack(Struct, Generic[Target], frozen=True):
    """One attack.

    Attributes:
        number: Its row in ``spec/attacks.md``.
        title: What the attacker does.
        subject: What is verified before and after: a name that the target knows.
        caught_by: Ids of checks, of which one has to be worse afterwards; or kinds of errors, of
            which one has to refuse the attacker.
        carry_out: Changes the target; raises :class:`NotApplicableError` where it has nothing to
            attack.
    """

    number: str
    title: str
    subject: str
    caught_by: tuple[str, ...]
    carry_out: Callable[[Target], object]


class AttackOutcome(Struct, frozen=True):
    """What verification made of one attack.

    Attributes:
        number: The attack's row in ``spec/attacks.md``.
        title: What the attacker did.
        state: ``caught``, ``missed`` or ``not-applicable``.
        caught_by: The check that is worse, or the kind of the error that refused the attacker.
        check_state: The state of that check afterwards; None for an error.
        because: Why it is not applicable, or what else happened where it was missed.
    """

    number: str
    title: str
    state: str
    caught_by: str = ""
    check_state: CheckState | None = None
    because: str = ""


def attempt(
    attack: Attack[Target],
    target: Target,
    verify: Callable[[str], Report],
    unattacked: Callable[[str], Report],
) -> AttackOutcome:
    """Carry out an attack, verify, and return whether it was caught.

    Args:
        attack: The attack.
        target: What is attacked; its changes are not undone here.
        verify: Returns the report on a subject of the target.
        unattacked: Returns the report on a subject before any attack.
    """

    def outcome(state: str, **more: Any) -> AttackOutcome:
        return AttackOutcome(attack.number, attack.title, state, **more)

    try:
        before = unattacked(attack.subject)
        attack.carry_out(target)
        after = verify(attack.subject)
    except NotApplicableError as error:
        return outcome(NOT_APPLICABLE, because=str(error))
    except LyrikstoreError as error:
        if error.kind in attack.caught_by:
            return outcome(CAUGHT, caught_by=error.kind)
        # It stopped for another reason than the one that stops the attacker.
        return outcome(MISSED, because=f"{error.kind}: {error.message}")
    worse = {check.id: check.state for check in worse_checks(before, after)}
    found = [name for name in attack.caught_by if name in worse]
    if found:
        name = max(found, key=lambda one: _severity(worse[one]))
        return outcome(CAUGHT, caught_by=name, check_state=worse[name])
    return outcome(MISSED, because=", ".join(worse) or "no check is worse")


def worse_checks(before: Report, after: Report) -> Iterator[Check]:
    """Yield the checks that are worse than before, or that warn of something else."""
    known = {check.id: check for check in before.checks}
    for check in after.checks:
        earlier = known.get(check.id)
        now, then = _severity(check.state), -1 if earlier is None else _severity(earlier.state)
        other = earlier is not None and check.detail != earlier.detail
        if now > then or (now >= 0 and now == then and other):
            yield check


def _severity(state: CheckState) -> int:
    return _WORSE.index(state) if state in _WORSE else -1
