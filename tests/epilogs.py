"""The commands of the program, and the examples that their help shows."""

from collections.abc import Iterator

import click

from lyrikstore_cli.main import program


def commands(group: click.Group = program, *before: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from commands(found, *before, name)
        else:
            yield *before, name


def epilogs() -> Iterator[tuple[str, str]]:
    """Yield the name of a command and each line of its examples."""
    for words in commands():
        command: click.Command = program
        for word in words:
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), word)
            assert found is not None
            command = found
        for line in (command.epilog or "").removeprefix("\b\n").splitlines():
            yield " ".join(words), line
