"""``lyrikstore trust``: whose signatures this user believes, and for what."""

from datetime import datetime

import click

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.timestamps import format_timestamp, now, parse_timestamp
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Say whose signatures you believe, and for which names.

    The trust file is yours, outside every store, and can be edited by hand. Compare a key with
    one you received on another way before you add it.
    """


@declare("add", epilog="lyrikstore trust add did:key:z6Mk… --name Acme --names 'datasets/acme/*'")
@click.argument("did")
@click.option("--name", "nickname", required=True, help="What reports shall call this issuer.")
@click.option("--names", multiple=True, default=("*",), show_default=True, help="Pattern of names.")
@click.option("--role", "roles", multiple=True, default=("publisher",), show_default=True)
@click.option("--store-id", "stores", multiple=True, help="Only for this store.")
@click.option("--since", help="Believed from then on, as 2026-11-24T00:00:00Z.")
@click.option("--until", help="Believed up to then.")
def _add(
    session: Session,
    did: str,
    nickname: str,
    names: tuple[str, ...],
    roles: tuple[str, ...],
    stores: tuple[str, ...],
    since: str | None,
    until: str | None,
) -> None:
    """Believe an issuer."""
    from lyrikstore.credentials.trust import TrustedIssuer, add_issuer

    issuer = TrustedIssuer(
        did=did,
        nickname=nickname,
        roles=roles,
        names=names,
        stores=tuple(Digest.parse(store) for store in stores),
        since=_moment(since),
        until=_moment(until),
    )
    changed = add_issuer(session.paths.trust, issuer)
    session.emit("trust-add", {"did": did, "nickname": nickname, "changed": changed})
    if changed:
        session.screen.result(f"✓ trusted  {nickname}  {did}  for {', '.join(names)}")
        session.screen.hint(f"take it back with: lyrikstore trust remove {nickname}")
    else:
        session.screen.result(f"– {nickname} is trusted already, for exactly this")


@declare("list")
def _list(session: Session) -> None:
    """List whom you believe."""
    from lyrikstore.credentials.trust import load_trust

    trust = load_trust(session.paths.trust)
    session.emit(
        "trust-list",
        {
            "file": str(session.paths.trust),
            "issuers": [
                {
                    "did": issuer.did,
                    "nickname": issuer.nickname,
                    "roles": list(issuer.roles),
                    "names": list(issuer.names),
                    "stores": [str(store) for store in issuer.stores],
                    "since": format_timestamp(issuer.since) if issuer.since else "",
                    "until": format_timestamp(issuer.until) if issuer.until else "",
                }
                for issuer in trust.issuers
            ],
        },
    )
    for issuer in trust.issuers:
        where = f", in {len(issuer.stores)} named store(s)" if issuer.stores else ""
        session.screen.result(
            f"{issuer.nickname}  {issuer.did}  {', '.join(issuer.roles)} of "
            f"{', '.join(issuer.names)}{where}"
        )
    if not trust.issuers:
        session.screen.say(f"you believe nobody yet ({session.paths.trust})")


@declare("remove")
@click.argument("who", metavar="DID|NAME")
def _remove(session: Session, who: str) -> None:
    """Stop believing an issuer."""
    from lyrikstore.credentials.trust import remove_issuer

    gone = remove_issuer(session.paths.trust, who)
    session.emit("trust-remove", {"removed": [issuer.did for issuer in gone]})
    for issuer in gone:
        session.screen.result(f"✓ removed  {issuer.nickname}  {issuer.did}")


@declare("check")
@click.argument("did")
@click.argument("name")
@click.option("--role", default="publisher", show_default=True)
def _check(session: Session, did: str, name: str, role: str) -> None:
    """Say whether you believe DID about NAME now; exit code 4 if not."""
    from lyrikstore.credentials.trust import load_trust
    from lyrikstore.history.names import parse_name

    full = str(parse_name(name))
    trust = load_trust(session.paths.trust)
    # A store-bound entry is no answer to a question that names no store.
    found = trust.matches(did, role=role, name=full, store=None, at=now())
    session.emit("trust-check", {"did": did, "name": full, "believed": found is not None})
    if found is None:
        session.screen.result(f"! you do not believe {did} as {role} of {full}")
        raise click.exceptions.Exit(4)
    session.screen.result(f"✓ you believe {found.nickname} as {role} of {full}")


def _moment(text: str | None) -> datetime | None:
    return parse_timestamp(text) if text else None


for _subcommand in (_add, _list, _remove, _check):
    command.add_command(_subcommand)
