"""How a command is declared: one function, the shared options, a session as first argument."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError
from lyrikstore.canon.files import no_file
from lyrikstore_cli.groups import HELP_NAMES
from lyrikstore_cli.renamed import FLAGS, renamed_flag
from lyrikstore_cli.session import Options, Session


def _call(function: Callable[..., None], session: Session, values: dict[str, Any]) -> None:
    # What it printed leaves while it is known what the command did: or all that could be said of a
    # full disk would be that nothing was half done.
    try:
        try:
            function(session, **values)
        except click.exceptions.Exit:
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except OSError as error:
        # One with a file name is not about standard output.
        if isinstance(error, LyrikstoreError | BrokenPipeError) or error.filename:
            raise
        raise session.output_failed(error) from error


def _shared() -> list[click.Parameter]:
    # Fresh objects for each command: click keeps state in them.
    return [
        click.Option(["--json", "json_"], is_flag=True, help="Print the result as JSON."),
        click.Option(["--store"], type=click.Path(path_type=Path), help="The store folder."),
        click.Option(
            ["-C", "directory"],
            type=click.Path(path_type=Path),
            is_eager=True,  # what other options name is looked for there
            expose_value=False,
            callback=_change_folder,
            help="Change to this folder first.",
        ),
        click.Option(["-q", "--quiet"], is_flag=True, help="Say only results and errors."),
        click.Option(["-v", "--verbose"], is_flag=True, help="Say error kinds and more detail."),
        click.Option(["--no-color"], is_flag=True, help="No colours."),
        click.Option(["--no-input"], is_flag=True, help="Never ask; fail instead."),
    ]


def _change_folder(ctx: click.Context, _param: click.Parameter, folder: Path | None) -> None:
    if folder is None or ctx.resilient_parsing:
        return
    try:
        os.chdir(folder)
    except FileNotFoundError:
        raise no_file(folder, "folder") from None
    except OSError as error:
        raise InvalidInputError("unreadable", f"-C {folder}: {error.strerror}") from None


def _passphrase() -> click.Parameter:
    return click.Option(
        ["--passphrase-file"],
        type=click.Path(path_type=Path),
        help="A file whose first line is the passphrase.",
    )


def _signing() -> list[click.Parameter]:
    return [
        click.Option(["--signer"], metavar="URI", help="Who signs: file:PATH or a key's name."),
        _passphrase(),
    ]


def _appending() -> click.Parameter:
    return click.Option(
        ["--after-gap"],
        is_flag=True,
        help="The log's last date is more than 400 days ago, and this clock is right.",
    )


class Command(click.Command):
    """A command that refuses a flag of before with the name it has now."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            InvalidInputError: (``usage``) a flag was renamed.
            UsageError: They are wrong.
        """
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            typed = ctx.command_path.partition(" ")[2]
            if (typed, error.option_name) in FLAGS:
                raise renamed_flag(typed, error.option_name) from None
            raise


def command(
    name: str,
    *,
    signs: bool = False,
    passphrase: bool = False,
    appends: bool = False,
    epilog: str = "",
) -> Callable[[Callable[..., None]], click.Command]:
    """Declare a command.

    Args:
        name: As typed.
        signs: The command signs, so it takes ``--signer`` and ``--passphrase-file``.
        passphrase: It needs a passphrase only, so it takes ``--passphrase-file``.
        appends: What it signs is dated and logged, so it takes ``--after-gap``, and its result
            says whether the clock was behind the log.
        epilog: Examples, shown below the options.

    Returns:
        A decorator for ``function(session, **its own parameters)``.
    """

    def decorate(function: Callable[..., None]) -> click.Command:
        def run(**values: Any) -> None:
            options = Options(
                json=values.pop("json_"),
                store=values.pop("store"),
                quiet=values.pop("quiet"),
                verbose=values.pop("verbose"),
                color=False if values.pop("no_color") else None,
                no_input=values.pop("no_input"),
                signer=values.pop("signer", None),
                passphrase_file=values.pop("passphrase_file", None),
                appends=appends,
                after_gap=values.pop("after_gap", False),
            )
            _call(function, Session(options), values)

        extra = _signing() if signs else [_passphrase()] if passphrase else []
        extra += [_appending()] if appends else []
        own = list(reversed(getattr(function, "__click_params__", [])))
        return Command(
            name,
            callback=run,
            params=[*own, *extra, *_shared()],
            help=function.__doc__,
            epilog="\b\n" + epilog if epilog else None,
            context_settings=HELP_NAMES,
        )

    return decorate
