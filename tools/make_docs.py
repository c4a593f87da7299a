"""Write docs/cli.md and docs/errors.md, and the views into docs/index-views.md.

The first has what each role types, every command, exit codes, environment; the second the kinds of
errors, with the exit code of each.
"""

from inspect import cleandoc
from pathlib import Path

import click

from lyrikstore.canon import errors
from lyrikstore.canon.error_kinds import ErrorKind
from lyrikstore.index.views import VIEWS
from lyrikstore_cli.commands.help import ROLES
from lyrikstore_cli.exits import MEANING, exit_code
from lyrikstore_cli.main import GROUPS, program
from lyrikstore_cli.session import VARIABLES

DOCS = Path(__file__).resolve().parents[1] / "docs"
SHARED = ("json_", "store", "directory", "quiet", "verbose", "no_color", "no_input")
SHARED_SIGNING = ("signer", "passphrase_file")


def main() -> None:
    """Write the pages."""
    for name, lines in (("cli", [*reference(), *tables()]), ("errors", kinds())):
        (DOCS / f"{name}.md").write_text("\n".join(lines) + "\n", "utf-8")
    page = DOCS / "index-views.md"
    before, mark, rest = page.read_text("utf-8").partition("<!-- views -->\n")
    after = rest.partition("<!-- /views -->")[2]
    written = "\n".join([*views(), "<!-- /views -->"])
    page.write_text(before + mark + written + after, "utf-8")


def views() -> list[str]:
    """Return the views of an index, with the columns of each."""
    lines = []
    for view in VIEWS:
        lines += [f"### `{view.name}`", "", f"One row: {view.about}.", "", "```text"]
        width = max(len(column.name) for column in view.columns)
        types = ["" if column.type == "VARCHAR" else column.type for column in view.columns]
        wide = max(map(len, types))
        lines += [
            "  ".join(filter(None, (column.name.ljust(width), kind.ljust(wide), column.about)))
            for column, kind in zip(view.columns, types, strict=True)
        ]
        lines += ["```", ""]
    return lines


def kinds() -> list[str]:
    """Return the kinds of errors, by the classes that they are raised as, with the exit codes."""
    from error_kinds import kinds_raised

    lines = ["# Errors", "", "Made by `make docs` from the program.", ""]
    lines += [
        "Every error has a kind, a message and a hint. With `--json` a command prints them as",
        "`error`; in Python they are members of a `LyrikstoreError`, of one of the classes below.",
        "Programs match on the kind, which never changes its meaning; the class decides on the",
        "[exit code](cli.md#exit-codes).",
    ]
    by_classes: dict[tuple[str, ...], list[str]] = {}
    for kind, names in sorted(kinds_raised().items()):
        by_classes.setdefault(tuple(sorted(names)), []).append(kind)
    for raised, found in sorted(by_classes.items(), key=lambda one: (len(one[0]), one[0])):
        codes = sorted({exit_code(getattr(errors, name)(found[0], "")) for name in raised})
        title = " or ".join(f"`{name}`" for name in raised)
        lines += ["", f"## {title}: exit code {' or '.join(map(str, codes))}", ""]
        lines += [f"* `{kind}`: {ErrorKind(kind).sentence}" for kind in found]
    return lines


def tables() -> list[str]:
    """Return the exit codes and the environment variables."""
    lines = ["## Exit codes", "", "| code | meaning |", "| --- | --- |"]
    lines += [f"| {code} | {meaning} |" for code, meaning in MEANING.items()]
    lines += ["", "An unknown exit code other than 0 is a failure.", ""]
    lines += ["## Environment", "", "| variable | meaning |", "| --- | --- |"]
    return [*lines, *(f"| `{name}` | {meaning} |" for name, meaning in VARIABLES.items())]


def reference() -> list[str]:
    """Return the roles and the commands."""
    lines = ["# Commands", "", "Made by `make docs` from the commands themselves.", ""]
    lines += [
        "Every command takes `--json` (`lyrikstore maintain schema` lists what they print),",
        "`--store PATH`, `-C DIR`, `-q`, `-v`, `--no-color`, `--no-input`; what signs also takes",
        "`--signer URI` and `--passphrase-file FILE`. What ends them: [exit codes](#exit-codes).",
        "",
    ]
    for name, role in ROLES.items():
        lines += [f"## For a {name}".replace("a a", "an a"), "", f"To {role.goal}:", ""]
        lines += ["| command | what it does |", "| --- | --- |"]
        typed_ones = {**role.steps, **role.also}
        lines += [f"| `lyrikstore {typed}` | {does} |" for typed, does in typed_ones.items()]
        lines.append("")
    context = click.Context(program, info_name="lyrikstore")
    for title, names in GROUPS.items():
        lines += [f"## {title}", ""]
        for name in names:
            command = program.get_command(context, name)
            assert command is not None
            lines += describe(command, f"lyrikstore {name}")
    return lines


def describe(command: click.Command, usage: str) -> list[str]:
    """Return the lines about one command, or about each command of a group."""
    if isinstance(command, click.Group):
        lines = []
        context = click.Context(command)
        for name in command.list_commands(context):
            member = command.get_command(context, name)
            assert member is not None
            lines += describe(member, f"{usage} {name}")
        return lines
    arguments = [
        parameter.make_metavar(click.Context(command))
        for parameter in command.params
        if isinstance(parameter, click.Argument)
    ]
    lines = [
        f"### `{' '.join([usage, *arguments])}`",
        "",
        *cleandoc(command.help or "").split("\n"),
        "",
    ]
    for parameter in command.params:
        if not isinstance(parameter, click.Option) or parameter.name in SHARED + SHARED_SIGNING:
            continue
        record = parameter.get_help_record(click.Context(command))
        if record:
            lines.append(f"* `{record[0]}`: {record[1]}")
    if command.epilog:
        lines += ["", "```sh", *command.epilog.removeprefix("\b\n").split("\n"), "```"]
    return [*lines, ""]


if __name__ == "__main__":
    main()
