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

CREDENTIAL is a file, a delivery, a urn:uuid, or the start of a digest, whether about a dataset, an
attestation or a grant. Only its issuer can do it; the log keeps it. Whoever has the log or a clone
of it learns of it there. Others learn of it from the status lists, if it was issued with
--status-url, and once you have published them. Answers to a card that were signed
without a store are revoked without one, too: -o writes the list for whoever has imported them.
"""


def status_command(
    name: str,
    does: str,
    said: str,
    by: str = "",
    *,
    falls: bool = False,
) -> click.Command:
    """Return a command that changes the standing of one credential.

    Args:
        name: As typed, and of the method of ``store.credentials`` that does it.
        does: What it does, one sentence, for its help.
        said: The participle: what the credential is from then on.
        by: Said before the credential that it returns, if that is not CREDENTIAL itself.
        falls: Whether what rests on the credential is told.
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
                error.hint = f"answers to a card that no store logged: add -o DIR; {error.hint}"
            if unlogged and error.kind == "no-credential":
                error.message = f"{credential} is no credential that is logged in this store"
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
        impact = store.query.impact(issued.id) if falls else None
        if impact is not None:
            result["impact"] = impact.to_json()
        session.emit(name, result)
        because = f", because: {escape_control(reason)}" if reason else ""
        session.screen.result(
            f"✓ {said}  {by}credential {issued.id.short}, signed and logged{because}"
        )
        if impact is not None:
            say_impact(session.screen, impact)
        session.screen.wrote(written)
        session.screen.hint(
            "it was issued without --status-url: whoever has this log or a clone of it sees it "
            "(lyrikstore push), and nobody else; those whom you gave it to need "
            + ("that file beside it" if written else "its list beside it, which -o writes")
            if not issued.is_listed
            else "others see it once the lists are published: "
            + ("copy them to their URLs" if written else "lyrikstore push, or credential publish")
        )

    run.__doc__ = HELP.format(does=does)
    run = click.option(
        "-o", "--output", type=click.Path(path_type=Path), help="Write your lists there."
    )(run)
    run = click.option(
        "-m",
        "--message",
        "reason",
        metavar="REASON",
        default="",
        help="Why, signed with it; the log keeps it for good, and log --audit shows it.",
    )(run)
    run = click.option(
        "--yes", is_flag=True, help="Also where another credential has the same place in the list."
    )(run)
    run = click.argument("credential")(run)
    typed = f"credential {name}"
    example = f"lyrikstore {typed} delivery/credential.json -o public/status -m 'why'"
    return declare(name, signs=True, appends=True, epilog=example)(run)


def _revoke_alone(session: Session, path: Path, folder: Path) -> None:
    """Take back an attestation that was made without a store: write the list that says so."""
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
    session.screen.result(f"✓ revoked  credential {issued.id.short}, signed and logged nowhere")
    session.screen.wrote(written)
    session.screen.hint("send that file to whoever holds it; a store runs: lyrikstore import FILE")


def write_lists(session: Session, store: Store, folder: Path) -> list[Path]:
    """Write the store's status lists to a folder, and say which of them another key must renew."""
    lists = store.credentials.status_lists()
    moment = store.clock()
    for name, one in lists.items():
        if one.is_half_through(moment):
            until = format_timestamp(one.content.valid_until)
            session.screen.say(
                f"! {name} runs out at {until}, and is not yours: {one.content.issuer} renews it "
                "by lyrikstore credential publish --signer KEY"
            )
    return write_files(folder, {name: one.data for name, one in lists.items()})


def say_shared_places(screen: Screen, shared: Iterable[Sequence["Issued"]]) -> None:
    """Name the credentials that only fall together, as ``Credentials.shared_places`` gives them."""
    for group in shared:
        screen.result(
            f"! credentials {' and '.join(one.id.short for one in group)} have one place in the "
            "status lists: what becomes of one becomes of both"
        )
        screen.hint("issue one of them again, with --supersedes, and hand that over")


def named_credential(text: str) -> str:
    """Return how the log calls a credential that a person names: one available, by its file."""
    path = credential_file(Path(text))
    if not path.is_file():
        return text
    with storage_errors(f"reading {path}"):
        return str(Digest.of_file(path))


command.add_command(
    status_command("revoke", "Take CREDENTIAL back for good.", "revoked", falls=True)
)
command.add_command(
    status_command("suspend", "Suspend CREDENTIAL until you reinstate it.", "suspended", falls=True)
)
command.add_command(status_command("reinstate", "End the suspension of CREDENTIAL.", "reinstated"))
command.add_command(
    status_command(
        "supersede",
        "Take CREDENTIAL back because you issued another in its place, with --supersedes.",
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
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A folder to publish."
)
def _publish(session: Session, output: Path) -> None:
    """Write this store's status lists to a folder that a web server publishes at --status-url.

    A list is good for 30 days; this signs those of yours anew that are half through, so run it
    weekly: a list that ran out makes every credential that names it unverifiable. Those of a key
    that was replaced only that key can sign: run it with --signer for each, too.
    """
    written = write_lists(session, session.open_store(sign=True), output)
    session.emit("status-lists", {"written": [str(path) for path in written]})
    session.screen.wrote(written)


command.add_command(_publish)
