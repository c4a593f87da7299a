"""The decorator that declares a command, with the options that all commands share."""

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
    # The output is flushed here, where it is still known what the command has logged: otherwise the
    # message about a full disk could not name it.
    try:
        try:
            function(session, **values)
        except click.exceptions.Exit:
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except OSError as error:
        # An error with a file name is not about standard output.
        if isinstance(error, LyrikstoreError | BrokenPipeError) or error.filename:
            raise
        raise session.output_failed(error) from error


def _shared() -> list[click.Parameter]:
    # New objects for each command: click keeps state in them.
    return [
        click.Option(["--json", "json_"], is_flag=True, help="Print the result as JSON."),
        click.Option(["--store"], type=click.Path(path_type=Path), help="The store folder."),
        click.Option(
            ["-C", "directory"],
            type=click.Path(path_type=Path),
            is_eager=True,  # paths of other options are relative to it
            expose_value=False,
            callback=_change_folder,
            help="Change to this folder first.",
        ),
        click.Option(["-q", "--quiet"], is_flag=True, help="Print only results and errors."),
        click.Option(["-v", "--verbose"], is_flag=True, help="Print error kinds and more detail."),
        click.Option(["--no-color"], is_flag=True, help="No colours."),
        click.Option(["--no-input"], is_flag=True, help="Never prompt; fail instead."),
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
        click.Option(["--signer"], metavar="URI", help="The key that signs: a name or file:PATH."),
        _passphrase(),
    ]


def _appending() -> click.Parameter:
    return click.Option(
        ["--after-gap"],
        is_flag=True,
        help="Confirm that this clock is right although the log's last date is over 400 days ago.",
    )


class Command(click.Command):
    """A command that refuses a renamed flag and names the new one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            InvalidInputError: (``usage``) a flag was renamed.
            UsageError: The arguments are wrong.
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
    """Return a decorator that makes a command of a function.

    Args:
        name: The name that the user types.
        signs: Whether the command signs and takes ``--signer`` and ``--passphrase-file``.
        passphrase: Whether it takes ``--passphrase-file`` alone.
        appends: Whether it appends to the log: it then takes ``--after-gap``, and its result
            states whether the clock was behind the log.
        epilog: Examples, printed below the options.

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
