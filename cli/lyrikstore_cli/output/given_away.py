"""Warnings of commands that redistribute data whose filters left traces of removed records."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lyrikstore.canon.text import escape_control
from lyrikstore_cli.output.screen import Screen

if TYPE_CHECKING:
    from lyrikstore.api import GivenAway


def say_given_away(screen: Screen, found: "Iterable[GivenAway]") -> None:
    """Print what a version reveals about removed data, and how to avoid it."""
    from lyrikstore.api.commands import GIVEN_AWAY

    found = tuple(found)
    for one in found:
        by = f" ({', '.join(one.filters)})" if one.filters else ""
        screen.say(f"! reveals  {escape_control(one.dataset.name)}: {GIVEN_AWAY[one.code]}{by}")
    if found:
        screen.hint("derive it again with extract-text/2, redact/3, chunk/2 and split/3")
