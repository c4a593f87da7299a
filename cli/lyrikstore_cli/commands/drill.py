"""``lyrikstore drill``: attack a copy of the store, and see which attacks are caught."""

from typing import TYPE_CHECKING, Any

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api.commands import AttackOutcome

_SYMBOL = {"caught": "✓", "missed": "✗", "not-applicable": "–"}
_MISSED = 3


@declare("drill", epilog="lyrikstore drill\nlyrikstore drill --json")
def command(session: Session) -> None:
    """Attack a copy of the store, and show which attacks verification catches.

    The store is only read. What an attacker without a key can do is done to a copy of it in the
    folder for temporary files; what an owner, a writer who left, or whoever hands data and models
    on can do is done to an example store, with keys made for it. An attack is caught if a check is
    worse afterwards, or if it was refused; each line names the check. The numbers are those of
    spec/attacks.md. Exit code 3 if an attack was not caught.
    """
    with session.progress("attacking"):
        drill = session.open_store().query.drill()
    session.emit(
        "drill",
        {
            "copyAttacks": [_facts(one) for one in drill.on_copy],
            "exampleAttacks": [_facts(one) for one in drill.on_example],
            "caughtCount": drill.count("caught"),
            "missedCount": drill.count("missed"),
            "drillSeconds": round(drill.seconds, 1),
        },
    )
    screen = session.screen
    for title, outcomes in (
        ("a copy of this store, attacked without a key", drill.on_copy),
        ("an example store, attacked also by its owner", drill.on_example),
    ):
        screen.result(title, "bold")
        for one in outcomes:
            screen.result(f" {_SYMBOL[one.state]} {one.number:<5} {one.title}  {_said(one)}")
    applicable = len(drill.outcomes) - drill.count("not-applicable")
    screen.result(
        f"{drill.count('caught')} of {applicable} attacks caught in {drill.seconds:.0f} s; "
        "the store is untouched",
        "bold",
    )
    if not drill.is_passed:
        raise click.exceptions.Exit(_MISSED)


def _said(one: "AttackOutcome") -> str:
    if one.state == "missed":
        return f"not caught: {one.because}"
    if one.state == "not-applicable":
        return f"not applicable: {one.because}"
    if one.check_state is None:
        return f"refused: {one.caught_by}"
    return f"{one.caught_by} {one.check_state.value}"


def _facts(one: "AttackOutcome") -> dict[str, Any]:
    return {
        "attack": one.number,
        "attackTitle": one.title,
        "attackOutcome": one.state,
        "caughtBy": one.caught_by or None,
        "caughtState": None if one.check_state is None else one.check_state.value,
        "notCaughtBecause": one.because or None,
    }
