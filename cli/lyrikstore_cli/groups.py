"""Groups of commands; the module of a command is loaded when it is called."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import click

from lyrikstore_cli.renamed import COMMANDS, renamed_command

HELP_NAMES = {"help_option_names": ["-h", "--help"]}
"""The context settings of every command."""


class LazyGroup(click.Group):
    """A group of commands that loads only the command that is called.

    Args:
        abouts: Name of a command → its line in the help of the group, in the order of the help.
        places: Name of a command → ``module:attribute``.
    """

    def __init__(
        self, *, abouts: Mapping[str, str], places: Mapping[str, str], **settings: Any
    ) -> None:
        super().__init__(**settings)
        self._abouts = abouts
        self._places = places

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of the help."""
        return list(self._places)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, whose module is loaded; None where there is no such command."""
        if cmd_name not in self._places:
            return None
        module, _, attribute = self._places[cmd_name].partition(":")
        loaded: click.Command = getattr(import_module(module), attribute)
        return loaded

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that was typed; errors name its new or the most similar name.

        Raises:
            InvalidInputError: (``usage``) the command was renamed.
            UsageError: There is no such command.
        """
        if args and args[0] not in self._places and not args[0].startswith("-"):
            from difflib import get_close_matches

            for old in (" ".join(args[:2]), args[0]) if ctx.parent is None else ():
                if old in COMMANDS:
                    raise renamed_command(old)
            near = get_close_matches(args[0], self._places, n=1)
            also = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"there is no command {args[0]!r}.{also}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of the commands, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._abouts.items()))


def lazy_group(folder: str, abouts: Mapping[str, str]) -> Callable[[Callable[[], None]], LazyGroup]:
    """Return a decorator that makes a group of commands of a function.

    Args:
        folder: The package that holds a module for each command, with the attribute ``command``.
        abouts: Name of a command → its line in the help of the group.

    Returns:
        A decorator for a function whose docstring is the help of the group.
    """
    named = {name: f"{folder}.{name}:command" for name in abouts}

    def decorate(function: Callable[[], None]) -> LazyGroup:
        return LazyGroup(
            abouts=abouts, places=named, help=function.__doc__, context_settings=HELP_NAMES
        )

    return decorate
