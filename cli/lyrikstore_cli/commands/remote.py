"""``lyrikstore remote``: where a store is pushed to and pulled from."""

from dataclasses import asdict

import click

from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session
from lyrikstore_cli.ui import clean


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Say where this store is pushed to and pulled from.

    Remotes are remembered in your configuration folder, for this store's folder only. Credentials
    are never part of a URL: each kind of remote finds them in its usual places.
    """


@declare("add", epilog="lyrikstore remote add origin s3://bucket/archive")
@click.argument("name")
@click.argument("url")
@click.option("--mirror", is_flag=True, help="A copy that nobody extends, such as a backup.")
def _add(session: Session, name: str, url: str, mirror: bool) -> None:
    """Remember URL as NAME: a folder, file://, s3://, gs://, az://, sftp:// or http(s)://."""
    from lyrikstore.objects.remote import RemoteUrl
    from lyrikstore_cli.remotes import NamedRemote

    remote = NamedRemote(name, str(RemoteUrl.parse(url)), mirror)
    session.remotes().add(remote)
    session.emit("remote-add", asdict(remote))
    session.screen.result(f"✓ added    {name}  {clean(remote.url)}{_kind(mirror)}")


@declare("list")
def _list(session: Session) -> None:
    """List the remotes of this store."""
    remotes = session.remotes().all()
    session.emit("remote-list", {"remotes": [asdict(one) for one in remotes]})
    for one in remotes:
        session.screen.result(f"{one.name:<10} {clean(one.url)}{_kind(one.mirror)}")
    if not remotes:
        session.screen.say("no remotes; lyrikstore remote add NAME URL")


@declare("remove")
@click.argument("name")
def _remove(session: Session, name: str) -> None:
    """Forget a remote; what is there stays."""
    gone = session.remotes().remove(name)
    session.emit("remote-remove", asdict(gone))
    session.screen.result(f"✓ removed  {gone.name}  {clean(gone.url)}")


def _kind(mirror: bool) -> str:
    return "  (mirror)" if mirror else ""


command.add_command(_add)
command.add_command(_list)
command.add_command(_remove)
