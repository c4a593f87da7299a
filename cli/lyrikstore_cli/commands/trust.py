"""``lyrikstore trust``: whose signatures this user believes, and for what."""

import shlex
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.api.trust import CLAIMS, ROLES
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import no_file
from lyrikstore.canon.text import escape_control
from lyrikstore.canon.timestamps import format_timestamp, now, parse_timestamp
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.groups import HELP_NAMES
from lyrikstore_cli.options import read_file
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import TrustedIssuer


@click.group(context_settings=HELP_NAMES)
def command() -> None:
    """Choose whose signatures you trust, and for which names.

    Your trust file is outside every store, and can be edited by hand (docs/trust.md). Compare a key
    with one from another source before you add it.
    """


@declare(
    "add",
    epilog="lyrikstore trust add did:key:z6Mk… --name Acme --names 'datasets/acme/*'\n"
    "lyrikstore trust add did:web:acme.example --name Acme --did-document did.json\n"
    "lyrikstore trust add 'data.example/archive+1a2b3c4d+…'",
)
@click.argument("who", metavar="DID|LOG-KEY")
@click.option("--name", "nickname", help="The name of this issuer in reports.")
@click.option(
    "--names",
    multiple=True,
    default=("*",),
    show_default=True,
    help="Pattern of names to trust it for.",
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    default=("publisher",),
    show_default=True,
    type=click.Choice(tuple(ROLES)),
    help="The role to trust it in.",
)
@click.option(
    "--claim",
    "claims",
    multiple=True,
    type=click.Choice(CLAIMS),
    help="Kind of attestation to trust it for, instead of those of the role.",
)
@click.option("--store-id", "stores", multiple=True, help="Trust it only in this store.")
@click.option("--since", help="Trust it from this time on, such as 2026-11-24T00:00:00Z.")
@click.option("--until", help="Trust it until this time.")
@click.option(
    "--did-document",
    "documents",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Pin this DID document of a did:web.",
)
@click.option("--witness", is_flag=True, help="The key is that of a witness.")
@click.option(
    "--authority",
    "certificate",
    type=click.Path(path_type=Path),
    metavar="FILE.pem",
    help="Trust the dates of the time stamp authority with this certificate, under a name.",
)
def _add(
    session: Session,
    who: str,
    nickname: str | None,
    names: tuple[str, ...],
    roles: tuple[str, ...],
    claims: tuple[str, ...],
    stores: tuple[str, ...],
    since: str | None,
    until: str | None,
    documents: tuple[Path, ...],
    witness: bool,
    certificate: Path | None,
) -> None:
    """Trust an issuer, with the documents of its did:web; or a log or a witness, by its key.

    With --authority the argument is your name for a time stamp authority.
    """
    from lyrikstore.api import TrustedIssuer, load_trust
    from lyrikstore.api.trust import add_issuer, add_log, add_witness, check_issuer, pin_file
    from lyrikstore.canon.quoting import quote

    place = session.paths.trust
    who = who.strip()
    if certificate is not None:
        from lyrikstore.api.trust import add_authority

        changed = add_authority(place, who, read_file(certificate))
        _emit_added(session, nickname=who, changed=changed)
        said = "✓ trusted" if changed else "– trusted already"
        session.screen.result(f"{said}  time stamp authority {escape_control(who)}")
        return
    if "+" in who:
        changed = (add_witness if witness else add_log)(place, who)
        origin = who.partition("+")[0]
        _emit_added(session, logKey=who, origin=origin, changed=changed)
        kind = "witness" if witness else "log"
        session.screen.result(f"{'✓ trusted' if changed else '– trusted already'}  {kind} {origin}")
        return
    check_issuer(who)
    pinned = []
    for path in documents:
        if (found := pin_file(place, path, who)) is not None:
            pinned.append(str(found.digest))
            session.screen.result(f"✓ pinned   {path}  {pinned[-1]}")
    if nickname is None:
        if not documents:
            raise InvalidInputError("usage", "name the issuer", hint="add --name NICKNAME")
        _emit_added(session, did=who, pinned=pinned, changed=bool(pinned))
        return
    issuer = TrustedIssuer(
        did=who,
        nickname=nickname,
        roles=roles,
        names=names,
        stores=tuple(Digest.parse(store) for store in stores),
        since=_moment(since),
        until=_moment(until),
        claims=claims or None,
    )
    changed = add_issuer(place, issuer)
    trust = load_trust(place)
    others = [name for name in trust.nicknames(who) if name != nickname]
    _emit_added(
        session,
        did=who,
        nickname=nickname,
        alsoCalled=others,
        pinned=pinned,
        changed=changed or bool(pinned),
    )
    if changed:
        session.screen.result(f"✓ trusted  {nickname}  {who}  as {_as_what(issuer)}")
        called = shlex.quote(nickname)
        session.screen.hint(f"to undo this: lyrikstore trust remove {called}")
        if names == ("*",) and not stores:
            session.screen.hint(
                "this trusts it for all names; to limit that, remove it and add it again with a "
                f"pattern: --name {called} --names 'datasets/acme/*'"
            )
        if who.startswith("did:web:") and not any(
            document.did == who for document in trust.documents
        ):
            session.screen.hint(
                "its keys are not known yet: "
                f"lyrikstore trust add {who} --did-document FILE; or use verify --fetch each time"
            )
    else:
        session.screen.result(f"– {nickname} is already trusted for exactly this")
    for other in trust.issuers:
        # Entries add up: a narrower one does not limit an earlier one.
        if other.did == who and other != issuer:
            session.screen.result(f"! it is also trusted as {_as_what(other)}")
    for name in others:
        session.screen.result(
            f"! the same issuer also has the name {quote(name)}: is that {nickname}?"
        )


@declare("list")
def _list(session: Session) -> None:
    """List the issuers, documents, logs and witnesses that you trust."""
    trust = session.trust()
    session.emit("trust-list", {"file": str(session.paths.trust), **trust.to_json()})
    for issuer in trust.issuers:
        session.screen.result(f"{issuer.nickname}  {issuer.did}  {_as_what(issuer)}")
    for document in trust.documents:
        session.screen.result(f"document  {document.did}  {document.digest}")
    for log in trust.logs:
        session.screen.result(f"log  {log.key}")
    for witness in trust.witnesses:
        session.screen.result(f"witness  {witness.key}")
    for authority in trust.authorities:
        session.screen.result(f"authority  {escape_control(authority.name)}")
    if not trust.issuers:
        session.screen.say(f"you trust no issuer yet ({session.paths.trust})")


def _as_what(issuer: "TrustedIssuer") -> str:
    about = f" about {', '.join(issuer.claims)}" if issuer.claims else ""
    names = ", ".join(issuer.names) if issuer.names != ("*",) else "every name"
    where = f", in {len(issuer.stores)} named store(s)" if issuer.stores else ""
    where += f", from {format_timestamp(issuer.since)}" if issuer.since else ""
    where += f", until {format_timestamp(issuer.until)}" if issuer.until else ""
    return f"{', '.join(issuer.roles)}{about} of {names}{where}"


@declare("remove")
@click.argument("who", metavar="DID|NAME|DIGEST|KEY")
def _remove(session: Session, who: str) -> None:
    """Remove an issuer, a pinned document, a log or a witness from the trust file."""
    from lyrikstore.api import load_trust
    from lyrikstore.api.trust import remove
    from lyrikstore.canon.quoting import quote

    gone = remove(session.paths.trust, who)
    left = load_trust(session.paths.trust)
    dids = dict.fromkeys(issuer.did for issuer in gone.issuers)
    still = {did: left.nicknames(did) for did in dids if left.nicknames(did)}
    session.emit(
        "trust-remove",
        {
            "stillTrusted": list(still),
            **gone.to_json(),
        },
    )
    for issuer in gone.issuers:
        session.screen.result(f"✓ removed  {issuer.nickname}  {issuer.did}")
    for document in gone.documents:
        session.screen.result(f"✓ removed  document of {document.did}  {document.digest}")
    for name in (*(log.origin for log in gone.logs), *(one.name for one in gone.witnesses)):
        session.screen.result(f"✓ removed  {name}")
    for did, names in still.items():
        session.screen.result(f"! still trusted, as {', '.join(map(quote, names))}: {did}")
        session.screen.hint(f"to remove all its entries: lyrikstore trust remove {did}")


@declare(
    "set",
    epilog="lyrikstore trust set maxStatusDays 14\n"
    "lyrikstore trust set allow.hashes blake3 sha2-256",
)
@click.argument("limit")
@click.argument("values", nargs=-1)
def _set(session: Session, limit: str, values: tuple[str, ...]) -> None:
    """Set maxStatusDays, maxLogDays, witnessesRequired, allow.keys, .hashes or .cryptosuites.

    Without values the limit is removed.
    """
    from lyrikstore.api.trust import set_limit

    set_limit(session.paths.trust, limit, values)
    session.emit("trust-set", {"limit": limit, "values": list(values)})
    done = f"✓ set      {limit}  {' '.join(values)}" if values else f"✓ removed  {limit}"
    session.screen.result(done)


@declare(
    "check",
    epilog="lyrikstore trust check\nlyrikstore trust check --about did:key:z6Mk… acme/contracts",
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--about",
    nargs=2,
    metavar="DID NAME",
    help="Check whether DID is trusted for NAME now; exit code 4 if not.",
)
@click.option("--role", default="publisher", show_default=True, help="The role, with --about.")
@click.option("--claim", help="A kind of attestation instead of a role, with --about.")
def _check(
    session: Session,
    file: Path | None,
    about: tuple[str, str] | None,
    role: str,
    claim: str | None,
) -> None:
    """Read a trust file, by default yours, and list in words whom it trusts for what."""
    from lyrikstore.api import load_trust
    from lyrikstore.api.trust import explain

    place = file or session.paths.trust
    if file is not None and not file.is_file():
        raise no_file(file, "trust file")
    trust = load_trust(place)
    if about is None:
        lines = explain(trust, now())
        session.emit("trust-check", {"file": str(place), "says": lines})
        for line in lines:
            session.screen.result(line)
        return
    from lyrikstore.api.commands import parse_name

    did, full = about[0], str(parse_name(about[1]))
    # An entry for one store does not count, because the question names no store.
    question: dict[str, Any] = {"name": full, "store": None, "at": now()}
    found = (
        trust.believes(did, claim=claim, **question)
        if claim
        else trust.matches(did, role=role, **question)
    )
    session.emit("trust-check", {"did": did, "name": full, "believed": found is not None})
    what = f"about the {claim} of" if claim else f"as {role} of"
    if found is None:
        session.screen.result(f"! {did} is not trusted {what} {full}")
        raise click.exceptions.Exit(4)
    session.screen.result(f"✓ {found.nickname} is trusted {what} {full}")


def _emit_added(session: Session, **members: Any) -> None:
    nothing = dict.fromkeys(("did", "nickname", "logKey", "origin"))
    session.emit("trust-add", {**nothing, "alsoCalled": [], "pinned": [], **members})


def _moment(text: str | None) -> datetime | None:
    return parse_timestamp(text) if text else None


for _subcommand in (_add, _list, _remove, _set, _check):
    command.add_command(_subcommand)
