"""``lyrikstore remote``: the remotes of a store."""

from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict

from lyrikstore.canon.text import escape_control
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.groups import HELP_NAMES
from lyrikstore_cli.options import named_values, remote_options
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api.commands import NamedRemote


@click.group(context_settings=HELP_NAMES)
def command() -> None:
    """Add, list or remove the remotes that this store is pushed to and pulled from.

    Remotes are kept in your configuration folder, for this store's folder only. Passwords and keys
    are never part of a URL: each kind of remote reads them from its usual places.
    """


@declare("add", epilog="lyrikstore remote add origin s3://bucket/archive --set region=eu-west-1")
@click.argument("name")
@click.argument("url")
@click.option(
    "--mirror",
    is_flag=True,
    help="The remote is a copy that receives no other entries, such as a backup.",
)
@remote_options
@click.option("--offline", is_flag=True, help="Do not contact the remote now.")
def _add(
    session: Session, name: str, url: str, mirror: bool, options: tuple[str, ...], offline: bool
) -> None:
    """Remember URL as NAME: a folder, file://, s3://, gs://, az://, sftp:// or http(s)://.

    The command contacts it and writes and removes a small file there, to test whether several
    people can push to it safely. docs/remotes.md lists the settings (--set) of each kind.
    """
    from lyrikstore.api.commands import NamedRemote, place_of
    from lyrikstore.api.remotes import probe_remote

    remote = NamedRemote(name, place_of(url), mirror, named_values(options))
    remotes = session.remotes()
    remotes.check_new(remote)
    place = remote.place(session.environment)  # refuses unknown settings of this kind of remote
    abilities = None if offline else probe_remote(session.store_folder(), place)
    remotes.add(remote)
    found = None if abilities is None else asdict(abilities)
    session.emit("remote-add", {**asdict(remote), "abilities": found})
    session.screen.result(f"✓ added    {name}  {escape_control(remote.url)}{_kind(remote)}")
    if abilities is None:
        return
    if not abilities.writable:
        session.screen.say("the remote is read-only: you can pull and clone, not push")
    elif not abilities.creates:
        session.screen.say(
            "warning: this server does not detect two writers at once: one could overwrite what "
            "the other pushed",
            "yellow",
        )
        session.screen.hint("let only one person push there, or use another server")


@declare("list")
def _list(session: Session) -> None:
    """List the remotes of this store."""
    remotes = session.remotes().all()
    session.emit("remote-list", {"remotes": [asdict(one) for one in remotes]})
    for one in remotes:
        session.screen.result(f"{one.name:<10} {escape_control(one.url)}{_kind(one)}")
    if not remotes:
        session.screen.say("no remotes; lyrikstore remote add NAME URL")


@declare("remove")
@click.argument("name")
def _remove(session: Session, name: str) -> None:
    """Remove a remote from the configuration; its data stays."""
    gone = session.remotes().remove(name)
    session.emit("remote-remove", asdict(gone))
    session.screen.result(f"✓ removed  {gone.name}  {escape_control(gone.url)}")


def _kind(remote: "NamedRemote") -> str:
    said = [f"{name}={value}" for name, value in remote.options.items()]
    said += ["mirror"] if remote.mirror else []
    return f"  ({escape_control(', '.join(said))})" if said else ""


command.add_command(_add)
command.add_command(_list)
command.add_command(_remove)
