"""``lyrikstore credential``: revoke, suspend, reinstate, supersede; publish status lists."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.api import Store
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, NotFoundError, storage_errors
from lyrikstore.canon.text import escape_control
from lyrikstore.canon.timestamps import format_timestamp, now
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.groups import HELP_NAMES
from lyrikstore_cli.options import credential_file, read_file, write_files
from lyrikstore_cli.output.impact import say_impact
from lyrikstore_cli.output.screen import Screen
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api.commands import Issued


@click.group(context_settings=HELP_NAMES)
def command() -> None:
    """Revoke, suspend, reinstate or supersede a credential, and publish the status lists."""


HELP = """{does}

CREDENTIAL is a dataset credential, an attestation or a grant, named by its file, its delivery, its
urn:uuid, or the start of its digest. Only its issuer can do this, and the log keeps it. The change
is visible in the log and its clones; others see it in the status lists once you publish them, if
the credential was issued with --status-url. Answers to a card that were signed without a store are
revoked without one too: -o writes a list for those who imported them.
"""


def status_command(
    name: str,
    does: str,
    done: str,
    by: str = "",
    *,
    shows_impact: bool = False,
) -> click.Command:
    """Return a command that changes the status of one credential.

    Args:
        name: The name of the command, and of the method of ``store.credentials`` that does it.
        does: The first sentence of the help.
        done: The participle for the credential's new status.
        by: Printed before the returned credential, if that is not CREDENTIAL itself.
        shows_impact: Whether to print what depends on the credential.
    """

    def run(session: Session, credential: str, yes: bool, output: Path | None, reason: str) -> None:
        named = named_credential(credential)
        is_file = named != credential  # and not its digest
        try:
            store = session.open_store(sign=True)
            issued: Issued = getattr(store.credentials, name)(named, alone=not yes, reason=reason)
        except NotFoundError as error:
            unlogged = is_file and error.kind in {"no-store", "no-credential"}
            if unlogged and name == "revoke" and output is not None:
                if reason:
                    raise InvalidInputError(
                        "usage",
                        "without a store there is no log to keep a reason",
                        hint="leave -m out",
                    ) from None
                _revoke_alone(session, Path(credential), output)
                return
            if unlogged and name == "revoke":
                error.hint = f"for answers to a card that no store logged: add -o DIR; {error.hint}"
            if unlogged and error.kind == "no-credential":
                error.message = f"{credential} is not logged as a credential in this store"
            raise
        written: list[Path] = []
        if output is not None and issued.is_listed:
            written = write_lists(session, store, output)
        elif output is not None:
            written = write_files(output, store.credentials.lists_of(issued))
        result: dict[str, Any] = {
            "credential": str(issued.id),
            "name": issued.name,
            "lists": [entry.url for entry in issued.entries] if issued.is_listed else [],
            "written": [str(path) for path in written],
            "reason": reason,
        }
        impact = store.query.impact(issued.id) if shows_impact else None
        if impact is not None:
            result["impact"] = impact.to_json()
        session.emit(name, result)
        because = f", because: {escape_control(reason)}" if reason else ""
        session.screen.result(
            f"✓ {done}  {by}credential {issued.id.short}, signed and logged{because}"
        )
        if impact is not None:
            say_impact(session.screen, impact)
        session.screen.wrote(written)
        session.screen.hint(
            "the credential has no --status-url: the change is visible only in this log and its "
            "clones (lyrikstore push); its receivers need "
            + ("that file beside it" if written else "its list beside it, which -o writes")
            if not issued.is_listed
            else "others see it once the lists are published: "
            + ("copy them to their URLs" if written else "lyrikstore push, or credential publish")
        )

    run.__doc__ = HELP.format(does=does)
    run = click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="A folder to write your status lists to.",
    )(run)
    run = click.option(
        "-m",
        "--message",
        "reason",
        metavar="REASON",
        default="",
        help="Why; signed, kept in the log permanently and shown by log --audit.",
    )(run)
    run = click.option(
        "--yes",
        is_flag=True,
        help="Do it although another credential shares its place in the list.",
    )(run)
    run = click.argument("credential")(run)
    typed = f"credential {name}"
    example = f"lyrikstore {typed} delivery/credential.json -o public/status -m 'why'"
    return declare(name, signs=True, appends=True, epilog=example)(run)


def _revoke_alone(session: Session, path: Path, folder: Path) -> None:
    """Revoke an attestation that was made without a store, by writing a signed list."""
    from lyrikstore.api.commands import revoke_alone

    issued, data = revoke_alone(
        read_file(credential_file(path)), signer=session.signer(), clock=now
    )
    written = write_files(folder, {f"revocation-{issued.id.short}.json": data})
    session.emit(
        "revoke",
        {
            "credential": str(issued.id),
            "name": issued.name,
            "lists": [],
            "written": [str(path) for path in written],
            "reason": "",
            "impact": None,
        },
    )
    session.screen.result(f"✓ revoked  credential {issued.id.short}, signed, not logged")
    session.screen.wrote(written)
    session.screen.hint("send that file to its receivers; a store runs: lyrikstore import FILE")


def write_lists(session: Session, store: Store, folder: Path) -> list[Path]:
    """Write the store's status lists to a folder, and print which of them other keys must renew."""
    lists = store.credentials.status_lists()
    moment = store.clock()
    for name, one in lists.items():
        if one.is_half_through(moment):
            until = format_timestamp(one.content.valid_until)
            session.screen.say(
                f"! {name} expires at {until}, and {one.content.issuer} has to renew it: "
                "lyrikstore credential publish --signer KEY"
            )
    return write_files(folder, {name: one.data for name, one in lists.items()})


def say_shared_places(screen: Screen, shared: Iterable[Sequence["Issued"]]) -> None:
    """Print the groups of ``Credentials.shared_places``, which share a place in a list."""
    for group in shared:
        screen.result(
            f"! credentials {' and '.join(one.id.short for one in group)} share a place in the "
            "status lists: a change of one changes both"
        )
        screen.hint("issue one of them again with --supersedes, and deliver the new one")


def named_credential(text: str) -> str:
    """Return the digest of a credential file or delivery; another text is returned unchanged."""
    path = credential_file(Path(text))
    if not path.is_file():
        return text
    with storage_errors(f"reading {path}"):
        return str(Digest.of_file(path))


command.add_command(
    status_command("revoke", "Revoke CREDENTIAL permanently.", "revoked", shows_impact=True)
)
command.add_command(
    status_command(
        "suspend", "Suspend CREDENTIAL until you reinstate it.", "suspended", shows_impact=True
    )
)
command.add_command(status_command("reinstate", "End the suspension of CREDENTIAL.", "reinstated"))
command.add_command(
    status_command(
        "supersede",
        "Revoke CREDENTIAL because another one, issued with --supersedes, replaces it.",
        "superseded",
        by="by ",
    )
)


@declare(
    "publish",
    signs=True,
    appends=True,
    epilog="lyrikstore credential publish -o public/status",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to write the lists to.",
)
def _publish(session: Session, output: Path) -> None:
    """Write this store's status lists to a folder that a web server publishes at --status-url.

    A list is valid for 30 days. The command renews your lists after half of that time; run it
    weekly: credentials whose list has expired cannot be verified. Lists of a replaced key can be
    signed only by that key: run the command with --signer for it too.
    """
    written = write_lists(session, session.open_store(sign=True), output)
    session.emit("status-lists", {"written": [str(path) for path in written]})
    session.screen.wrote(written)


command.add_command(_publish)
