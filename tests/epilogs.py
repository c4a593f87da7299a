"""The commands of the program, and the examples that their help shows."""

from collections.abc import Iterator, Sequence

import click

from lyrikstore_cli.main import program
from lyrikstore_cli.renamed import COMMANDS


def commands(group: click.Group = program, *before: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from commands(found, *before, name)
        else:
            yield *before, name


def command_of(words: Sequence[str]) -> click.Command:
    """Return the command of these words."""
    command: click.Command = program
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    return command


def result_of(words: Sequence[str]) -> str:
    """Return what the result of a command is called, which a new name of the command keeps."""
    # `export` was once what is now `w3c export`, whose result kept the name.
    before = {new: old for old, new in COMMANDS.items()} | {
        "export": "export-object",
        "w3c export": "export",
    }
    return before.get(" ".join(words), "-".join(words)).replace(" ", "-")


def epilogs() -> Iterator[tuple[str, str]]:
    """Yield the name of a command and each line of its examples."""
    for words in commands():
        for line in (command_of(words).epilog or "").removeprefix("\b\n").splitlines():
            yield " ".join(words), line
