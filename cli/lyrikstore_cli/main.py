"""The program: runs a command and turns its errors into messages and exit codes."""

# Loaded first: without them Python goes on, until a C library crashes or prints tracebacks.
import _blake2  # noqa: F401
import _datetime  # type: ignore[import-not-found]  # noqa: F401
import os
import sys
import traceback

import click

from lyrikstore.canon.errors import (
    LyrikstoreError,
    StorageError,
    loading_error,
    storage_error,
)
from lyrikstore.version import __version__
from lyrikstore_cli.exits import exit_code
from lyrikstore_cli.fatal import INTERRUPTED, OUT_OF_MEMORY, unmapped
from lyrikstore_cli.groups import HELP_NAMES, LazyGroup
from lyrikstore_cli.output import screen as ui

# Grouped as the help shows them. A command's module is loaded only when it is called or its own
# help is asked for, so that `lyrikstore --help` stays fast.
GROUPS: dict[str, dict[str, str]] = {
    "start": {
        "init": "create a store here",
        "key": "make, list, back up, replace or revoke signing keys",
        "trust": "choose whose signatures you trust",
    },
    "record": {
        "commit": "sign a folder of files as a new version of a dataset",
        "status": "show what a commit would change",
        "filter": "derive a dataset by a recipe, with a reason for every record",
        "why": "show why a record was kept, changed or dropped",
        "checkout": "write the files of a version to a folder",
        "profile": "show what a dataset holds, as a page",
        "lock": "pin versions in a file beside your code",
    },
    "look": {
        "log": "show the history of a name, or the audit log",
        "show": "show a signed object",
        "diff": "show what differs between two versions",
        "lineage": "show what an object was made from",
        "impact": "show what depends on an object",
        "query": "query the index with SQL, read-only",
        "ui": "look around the store in the browser",
    },
    "audit": {
        "audit": "write one file for an auditor that verifies itself",
        "drill": "attack a copy of the store, and show what is caught",
        "witness": "cosign a log checkpoint that extends what you saw before",
    },
    "prove": {
        "permit": "permit the use of your own data in this store",
        "issue": "make a delivery with a credential that a buyer can verify",
        "attest": "sign your findings about another publisher's dataset",
        "grant": "license a dataset to a named holder",
        "present": "prove to a verifier that you hold a grant",
        "credential": "revoke, suspend or supersede a credential; publish status lists",
        "verify": "check a credential, a version or the whole store",
        "rules": "write, test and apply the data policy of your organisation",
        "terms": "show what datasets may be used for together, and why",
        "page": "write the page that verifies a delivery in a browser",
        "export": "write a verified object for other people's tools",
    },
    "review": {
        "review": "let people decide about drawn records, and use what they decide",
    },
    "train": {
        "checkpoint": "import a base model from a package, or merge an adapter",
        "plan": "estimate time, memory and cost of a run, and write its config",
        "train": "fine-tune a model, and sign run and checkpoint",
        "reproduce": "repeat a run, and sign whether the result is the same",
        "evaluate": "measure a checkpoint on the locked test part",
        "monitor": "measure a checkpoint on newer data",
        "predict": "label a file with a checkpoint",
        "card": "write the model card from signed facts",
        "approve": "approve a model card, or withdraw an approval",
        "deploy": "write a checkpoint as a folder that serving programs load",
    },
    "share": {
        "remote": "add, list or remove the remotes of a store",
        "push": "send what is here to the home log or a mirror",
        "pull": "fetch what others pushed, and verify it",
        "clone": "make a verified copy of a store to work in",
        "import": "import a delivery, or credentials about your datasets",
    },
    "maintain": {
        "gc": "free the space that no version needs",
        "maintain": "rebuild the index; print JSON Schemas",
        "w3c": "sign, serve and export for other W3C software",
        "help": "show the commands of a role, exit codes, environment",
    },
}

_PLACES = {
    "filter": "filter_:command",  # `filter` and `import` are names of Python
    "import": "import_:command",
    "key": "key.command:command",
    "maintain": "maintain.command:command",
    "review": "review.command:command",
    "show": "show.command:command",
    "verify": "verify.command:command",
    "w3c": "w3c.command:command",
}

MODULES = {
    name: f"lyrikstore_cli.commands.{_PLACES.get(name, f'{name}:command')}"
    for group in GROUPS.values()
    for name in group
}
"""Name of a command → module and attribute."""


class Program(LazyGroup):
    """The command group of the program."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; exit with 141 after a broken pipe, where click would exit with 1.

        An interrupt is raised again without the empty line that click would print.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise click.exceptions.Exit(141) from None
        except KeyboardInterrupt:
            raise click.Abort from None

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the grouped table of commands."""
        for title, commands in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))


@click.group(
    cls=Program,
    abouts={},
    places=MODULES,
    no_args_is_help=True,
    context_settings={**HELP_NAMES, "max_content_width": 100},
    epilog="New here? lyrikstore help publisher, buyer, developer or auditor shows what to type, "
    "in order. lyrikstore COMMAND --help explains a command; lyrikstore help exit-codes lists exit "
    "codes.",
)
@click.version_option(__version__, prog_name="lyrikstore")
def program() -> None:
    """Signed, content-addressed datasets and models that verify offline."""


def main(arguments: list[str]) -> int:
    """Run one command line, write out what it printed, and return the exit code.

    Args:
        arguments: The command line without the program's name.
    """
    code = run(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or 141
    except OSError as error:
        screen = _screen(arguments)
        code = code or _report_error(screen, _as_our_error(screen, error))
    else:
        return code
    # The rest of the output is discarded: otherwise the interpreter would try to write it again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; no exception leaves this function.

    Args:
        arguments: The command line without the program's name.
    """
    screen = _screen(arguments)
    try:
        outcome = program.main(arguments, prog_name="lyrikstore", standalone_mode=False)
    except LyrikstoreError as error:
        return _report_error(screen, error)
    except click.UsageError as error:
        if screen.json:
            return _report_error(screen, _usage_error(error))
        error.show()
        return 2
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except SystemExit as stop:  # click printed shell completions
        return stop.code if isinstance(stop.code, int) else 1
    except (KeyboardInterrupt, click.Abort) as stop:
        done = getattr(stop.__cause__ or stop, "__notes__", [])
        if screen.json:
            return _report_error(
                screen, LyrikstoreError("interrupted", INTERRUPTED, hint="; ".join(done))
            )
        sys.stderr.write("".join(f"{line}\n" for line in (INTERRUPTED, *done)))
        return 130
    except MemoryError:
        sys.stderr.write(f"{OUT_OF_MEMORY}\n")
        return 1
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user unasked
        if unmapped(error):
            sys.stderr.write(f"{OUT_OF_MEMORY}\n")
            return 1
        return _report_error(screen, _as_our_error(screen, error))
    return outcome if isinstance(outcome, int) else 0


def _screen(arguments: list[str]) -> ui.Screen:
    verbose = "-v" in arguments or "--verbose" in arguments
    return ui.Screen(json="--json" in arguments, quiet=False, color=None, verbose=verbose)


def _report_error(screen: ui.Screen, error: LyrikstoreError) -> int:
    code = exit_code(error)
    if screen.verbose:
        screen.notes(error)
    if screen.json:
        document = {
            "schema": "lyrikstore/cli/error/v1",
            "kind": error.kind,
            "message": error.message,
            "hint": error.hint or None,
            "details": error.details,
            "exitCode": code,
        }
        sys.stderr.write(ui.json_text(document) + "\n")
    else:
        screen.error(error)
    return code


def _usage_error(error: click.UsageError) -> LyrikstoreError:
    about = error.ctx.command_path if error.ctx else "lyrikstore"
    return LyrikstoreError("usage", error.format_message(), hint=f"{about} --help")


def _as_our_error(screen: ui.Screen, error: Exception) -> LyrikstoreError:
    if (unloaded := loading_error(error)) is not None:
        return unloaded
    if isinstance(error, OSError):
        # Without a file name the error is about a stream, mostly standard output.
        return storage_error(error, str(error.filename or "cannot write the output"))
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        hint = "end some programs or raise the limit on processes, then run it again"
        return StorageError("io", "the system cannot start another thread", hint=hint)
    if screen.verbose:
        traceback.print_exc()
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{last.filename.rsplit('/', 1)[-1]}:{last.lineno}"
    return LyrikstoreError(
        "internal",
        f"internal error: {type(error).__name__} in {last.name} ({place})",
        hint="please report this bug with the output of `-v`; the store is intact",
    )
