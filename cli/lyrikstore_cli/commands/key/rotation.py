"""The life of a store's keys: ``key rotate``, ``revoke``, ``admit``, ``retire``, ``statements``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.errors import InvalidInputError, KeyMaterialError, storage_error
from lyrikstore.canon.text import pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.options import write_files, write_over
from lyrikstore_cli.output.impact import impact_members, say_impact
from lyrikstore_cli.output.key_limits import warn_of_changes
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api.store import Store
    from lyrikstore.crypto.ed25519 import PublicKey
    from lyrikstore.crypto.keys.key_file import StoredKey
    from lyrikstore.history.commit.policy_change import Change, PolicyChange
    from lyrikstore.history.log.entries import LoggedEntry


def find_key(session: Session, name: str) -> "StoredKey":
    """Return the key of that name of this user.

    Raises:
        KeyMaterialError: (``key-missing``) there is none.
    """
    from lyrikstore.crypto.keys import key_file

    for key in key_file.list_keys(session.paths.keys):
        if key.name == name:
            return key
    raise KeyMaterialError(
        "key-missing",
        f"no key {name} in {session.paths.keys}",
        hint="lyrikstore key list shows yours, lyrikstore key new makes one",
    )


_because = click.option("-m", "--message", default="", help="Why; signed and public.")
_remote = click.option("--remote", metavar="NAME", help="Do it there, at the home of the log.")
_statements_at = click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write the statements there."
)


@declare(
    "rotate",
    signs=True,
    epilog="lyrikstore key new next && lyrikstore key rotate next\n"
    "lyrikstore key rotate did:key:z6Mk…new --old did:key:z6Mk…old",
)
@click.argument("new", metavar="NEW")
@click.option("--old", metavar="KEY", help="The key it succeeds; by default the one that signs.")
@_because
@_statements_at
def _rotate(session: Session, new: str, old: str | None, message: str, output: Path | None) -> None:
    """Let NEW, the name of a key of yours or a DID, take the place of a key of this store.

    An owner signs it; for your own key that is you. What the old key signed stays good: it was
    logged before. Others learn of it from the deliveries you make from now on.
    """
    from lyrikstore.history.commit.policy_change import change_policy, rotated

    store = session.open_store(sign=True)
    signer = store.signer()
    before = _did(session, old) if old else signer.did
    after = _did(session, new)
    made = change_policy(
        store.repository, rotated(before, after), signer=signer, clock=store.clock, message=message
    )
    _believe_too(session, store, before, after)
    written = _write_statements(store, output, made.index)
    session.emit(
        "key-rotate",
        {
            "did": before,
            "successor": after,
            "logIndex": made.index,
            "policy": str(made.manifest.id),
            "version": made.policy.version,
            "written": written,
        },
    )
    session.screen.result(f"✓ rotated  {after}  succeeds {before}, log entry {made.index}")
    _say_written(session, output, written)
    warn_of_changes(session.screen, store.repository, made.policy)
    session.screen.hint(
        f"sign with it from now on: --signer {new}, or LYRIKSTORE_SIGNER; keep the old key: only "
        "it can still revoke what it issued"
    )


@declare(
    "revoke",
    signs=True,
    epilog="lyrikstore key revoke default --suspect-from 2026-11-20T00:00:00Z --successor next",
)
@click.argument("key", metavar="KEY")
@click.option(
    "--suspect-from",
    metavar="T",
    help="Since when it may be in other hands: a log index, or a UTC time that is turned into one.",
)
@click.option("--successor", metavar="KEY", help="Takes its place: a key of yours or a DID.")
@_because
@_statements_at
@click.option("--yes", is_flag=True, help="Do not ask.")
def _revoke(
    session: Session,
    key: str,
    suspect_from: str | None,
    successor: str | None,
    message: str,
    output: Path | None,
    yes: bool,
) -> None:
    """Take KEY, the name of a key of yours or a DID, out of every role in this store, for good.

    With --suspect-from what it signed does not count from that log entry on, whatever date it
    bears; what was logged before stays. Hand the statements (-o) to everybody who holds a
    delivery: laid next to it, they are found.
    """
    from lyrikstore.history.commit.policy_change import (
        change_policy,
        revoked,
        signed_here,
        suspect_index,
    )

    store = session.open_store(sign=True)
    did = _did(session, key)
    index = suspect_index(store.repository, suspect_from) if suspect_from else None
    lost: list[tuple[LoggedEntry, str]] = []
    if index is not None:
        signed = list(signed_here(store.repository, did))
        lost = [(entry, label) for entry, label in signed if entry.index >= index]
        for entry, label in lost:
            session.screen.say(f"! no longer counts: entry {entry.index}: {label} {entry.id.short}")
        session.screen.say(
            f"– stays: {pluralize(len(signed) - len(lost), 'entry')} logged before entry {index}"
        )
        if not yes:
            session.confirm(
                pluralize(
                    len(lost),
                    f"entry by {did} no longer counts",
                    f"entries by {did} no longer count",
                )
            )
    after = _did(session, successor) if successor else None
    made = change_policy(
        store.repository,
        revoked(did, index, after),
        signer=store.signer(),
        clock=store.clock,
        message=message,
    )
    if after is not None:
        _believe_too(session, store, did, after)
    written = _write_statements(store, output, made.index)
    impact = store.impact(*(entry.id for entry, _ in lost))
    session.emit(
        "key-revoke",
        {
            "did": did,
            "suspectFrom": index,
            "successor": after,
            "lost": [
                {"logIndex": entry.index, "id": str(entry.id), "label": label}
                for entry, label in lost
            ],
            "logIndex": made.index,
            "policy": str(made.manifest.id),
            "version": made.policy.version,
            "written": written,
            "impact": impact_members(impact),
        },
    )
    since = f", suspect from entry {index}" if index is not None else ""
    session.screen.result(f"✓ revoked  {did}{since}, log entry {made.index}")
    if lost:
        say_impact(session.screen, impact)
    _say_written(session, output, written)
    warn_of_changes(session.screen, store.repository, made.policy)
    if output is None:
        session.screen.hint("others need the statements: lyrikstore key statements -o DIR")
    else:
        session.screen.hint(
            f"hand what is in {output} to everybody who holds a delivery, to lay it beside"
        )
    if any(label == "credential" for _, label in lost):
        session.screen.hint("issue anew, by a key that is left, which credentials shall still hold")


@declare(
    "admit",
    signs=True,
    epilog="lyrikstore key admit did:key:z6Mk… --log-key did:key:z6Mk…log",
)
@click.argument("did", metavar="DID")
@click.option(
    "--log-key", metavar="KEY", help="Its key for the log: a key of yours, did:key or Multikey."
)
@_remote
@_because
def _admit(
    session: Session, did: str, log_key: str | None, remote: str | None, message: str
) -> None:
    """Let one more person sign in this store, and with --log-key push to it.

    An owner signs it. The person may say everything but who else may. A log key is added where the
    log is extended: with --remote NAME if that is a remote, such as a bucket.
    """
    from lyrikstore.history.commit.policy_change import with_writer

    writer = _did(session, did)
    change = with_writer(writer, None if log_key is None else _public(session, log_key))
    store, made = _changed(session, change, remote, message)
    session.emit(
        "key-admit",
        {"did": writer, "logIndex": made.index, "logs": [str(log) for log in made.policy.logs]},
    )
    session.screen.result(f"✓ admitted {writer}, log entry {made.index}")
    warn_of_changes(session.screen, store.repository, made.policy)


@declare(
    "retire",
    signs=True,
    epilog="lyrikstore key new log-next --no-passphrase\n"
    "lyrikstore key admit default --log-key log-next\n"
    "lyrikstore key retire did:key:z6Mk…oldlog",
)
@click.argument("log_key", metavar="LOGKEY")
@_remote
@_because
@_statements_at
def _retire(
    session: Session, log_key: str, remote: str | None, message: str, output: Path | None
) -> None:
    """Let LOGKEY sign no log checkpoint of this store from now on, for good.

    An owner signs it, and another log key the log. Log checkpoints by LOGKEY that cover it are
    refused by everybody who sees it; earlier ones stay good. Whoever never sees it cannot know:
    hand the statements (-o) to those who hold deliveries. In a clone it waits for the next push;
    with --remote NAME it is done at once, where the log is extended.
    """
    from lyrikstore.history.commit.policy_change import without_log_key

    public = _public(session, log_key)
    store, made = _changed(session, without_log_key(public), remote, message, but=public)
    written = _write_statements(store, output, made.index)
    session.emit(
        "key-retire",
        {
            "logIndex": made.index,
            "logs": [str(log) for log in made.policy.log_keys],
            "written": written,
        },
    )
    session.screen.result(f"✓ retired  {log_key}, log entry {made.index}")
    _say_written(session, output, written)
    warn_of_changes(session.screen, store.repository, made.policy)


@declare("statements", epilog="lyrikstore key statements -o for-buyers")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def _statements(session: Session, output: Path) -> None:
    """Write what this store's log says of its keys: laid next to a delivery, it is found there.

    With it go log proofs of the newest attestations and grants by keys that are current no more.
    """
    from lyrikstore.history.manifests.kinds import GENESIS_NAME

    store = session.open_store()
    written = _write_statements(store, output)
    history = store.repository.refs[GENESIS_NAME].history
    waits = store.repository.refs[GENESIS_NAME].index >= store.repository.checkpoint.size
    session.emit("key-statements", {"written": written, "waits": waits})
    session.screen.wrote(written)
    if waits:
        session.screen.result("! the newest waits in the local log: first lyrikstore push")
    elif len(history) == 1:
        session.screen.say("no key was added, replaced or revoked since the store was made")


@declare(
    "document",
    epilog="lyrikstore key document did:web:acme.example -o did.json",
)
@click.argument("did", metavar="DID")
@click.argument("names", metavar="[KEY…]", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write it there.")
def _document(session: Session, did: str, names: tuple[str, ...], output: Path | None) -> None:
    """Print the DID document to publish for a did:web, listing KEYs: names of yours, or did:key.

    Publish it where the DID says, and keep listing keys that were replaced, or what they signed
    can no longer be checked. The key `default` by default.
    """
    import json

    from lyrikstore.credentials.did import web_url
    from lyrikstore.credentials.did.document import build_document

    if not did.startswith("did:web:"):
        host = did.removeprefix("https://").strip("/").replace("/", ":")
        raise InvalidInputError(
            "bad-did", f"{did[:200]} is no name of an organisation", hint=f"write did:web:{host}"
        )
    keys = [_did(session, name).removeprefix("did:key:") for name in names or ("default",)]
    url = web_url(did)
    document = build_document(did, {key: key for key in keys})
    text = json.dumps(document, indent=2) + "\n"
    if output is not None:
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            write_over(output, text.encode())
        except OSError as error:
            raise storage_error(error, f"writing {output}") from error
    written = [] if output is None else [str(output)]
    session.emit("key-document", {"did": did, "url": url, "document": document, "written": written})
    if output is None and not session.options.json:
        for line in text.splitlines():
            session.screen.result(line)
    if output is not None:
        session.screen.result(f"✓ wrote    {output}")
    session.screen.hint(f"publish it at {url}")


def _changed(
    session: Session,
    change: "Change",
    remote: str | None,
    message: str,
    but: "PublicKey | None" = None,
) -> "tuple[Store, PolicyChange]":
    # Here, or where the log is extended; and not by the log key that the change takes away.
    from lyrikstore.history.commit.policy_change import change_policy

    store = session.open_store(sign=remote is None, without_log_key=but)
    if remote is None:
        made = change_policy(
            store.repository, change, signer=store.signer(), clock=store.clock, message=message
        )
        return store, made
    made = store.change_policy_at(
        session.place(session.remotes().find(remote)),
        change,
        message=message,
        signer=session.signer(),
        clock=store.clock,
    )
    return store, made


def _did(session: Session, text: str) -> str:
    """Return the did:key that a person means: itself, or that of a key of this user."""
    from lyrikstore.crypto.multikey import did_key, parse_did_key

    if text.startswith("did:"):
        return did_key(parse_did_key(text))
    return find_key(session, text).did


def _public(session: Session, text: str) -> "PublicKey":
    """Return the key that a person means: a did:key, a Multikey, or a key of this user."""
    from lyrikstore.crypto.multikey import parse_did_key, parse_multikey

    if text.startswith("did:"):
        return parse_did_key(text)
    return parse_multikey(text) if text.startswith("z6Mk") else find_key(session, text).public


def _believe_too(session: Session, store: "Store", before: str, after: str) -> None:
    """Let this user's trust in the old key for this store extend to its successor."""
    from msgspec.structs import replace

    from lyrikstore.credentials.trust.edit import add_issuer

    issuers = session.trust().issuers
    known = {issuer.nickname for issuer in issuers}
    for issuer in issuers:
        if issuer.did == before and issuer.stores == (store.id,):
            name = next(
                name
                for number in range(2, 10_000)
                if (name := f"{issuer.nickname[:90]} {number}") not in known
            )
            add_issuer(session.paths.trust, replace(issuer, did=after, nickname=name))
            session.screen.result(f"✓ trusted  {after}, for this store only, as {name}")
            return


def _say_written(session: Session, output: Path | None, written: list[str]) -> None:
    session.screen.wrote(written)
    if output is not None and not written:  # the home log does not have it yet
        session.screen.hint(
            f"after the next push, write the statements: lyrikstore key statements -o {output}"
        )


def _write_statements(store: "Store", folder: Path | None, index: int = 0) -> list[str]:
    """Write what the log says of keys; nothing while the change at ``index`` waits for a push."""
    from lyrikstore.publish.identity.key_statements import statements_for_others

    if folder is None or index >= store.repository.checkpoint.size:
        return []
    return [str(path) for path in write_files(folder, statements_for_others(store.repository))]


COMMANDS = (_rotate, _revoke, _admit, _retire, _statements, _document)
"""Subcommands of ``lyrikstore key``."""
