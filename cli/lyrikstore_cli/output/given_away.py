"""What a version gives away of what filters took out of its data, for commands that hand on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lyrikstore.canon.text import escape_control
from lyrikstore_cli.output.screen import Screen

if TYPE_CHECKING:
    from lyrikstore.api import GivenAway


def say_given_away(screen: Screen, found: "Iterable[GivenAway]") -> None:
    """Say what is given away, and what to do."""
    from lyrikstore.api.commands import GIVEN_AWAY

    found = tuple(found)
    for one in found:
        by = f" ({', '.join(one.filters)})" if one.filters else ""
        screen.say(f"! gives away {escape_control(one.dataset.name)}: {GIVEN_AWAY[one.code]}{by}")
    if found:
        screen.hint("make it anew with extract-text/2, redact/3, chunk/2 and split/3")
