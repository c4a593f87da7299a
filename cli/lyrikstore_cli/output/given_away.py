"""Warnings about new data: traces of removed records, and uses that rules would deny."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lyrikstore.canon.text import escape_control
from lyrikstore_cli.output.screen import Screen

if TYPE_CHECKING:
    from lyrikstore.api import GivenAway
    from lyrikstore.api.commands import ForeseenDenial


def say_given_away(screen: Screen, found: "Iterable[GivenAway]") -> None:
    """Print what a version reveals about removed data, and how to avoid it."""
    from lyrikstore.api.commands import GIVEN_AWAY

    found = tuple(found)
    for one in found:
        by = f" ({', '.join(one.filters)})" if one.filters else ""
        screen.say(f"! reveals  {escape_control(one.dataset.name)}: {GIVEN_AWAY[one.code]}{by}")
    if found:
        screen.hint("derive it again with extract-text/2, redact/3, chunk/2 and split/3")


def warn_of_denial(screen: Screen, found: "ForeseenDenial | None") -> None:
    """Warn that rules would deny a use of new data, or that they could not be asked."""
    if found is not None:
        screen.say(f"! {escape_control(found.text)}", "yellow")
        if found.action == "train" and not found.unchecked:
            screen.hint(f"see the facts behind it: lyrikstore rules check {found.name} --explain")
