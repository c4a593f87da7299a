"""The life of a store's keys: rotate, revoke, admit, retire, misdated, statements, document."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.errors import InvalidInputError, storage_errors
from lyrikstore.canon.text import pluralize
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.options import write_files, write_over
from lyrikstore_cli.output.impact import say_impact
from lyrikstore_cli.output.key_limits import warn_of_changes, warn_of_unmet
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Store
    from lyrikstore.api.commands import PolicyChange


_because = click.option("-m", "--message", default="", help="Why; signed and public.")
_remote = click.option("--remote", metavar="NAME", help="Do it there, at the home of the log.")
_statements_at = click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write the statements there."
)


@declare(
    "rotate",
    signs=True,
    appends=True,
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
    store = session.open_store(sign=True)
    before = _did(session, old) if old else store.signer().did
    after = _did(session, new)
    made = store.policy.rotate(before, after, message=message)
    _say_trusted(session, made, after)
    written = _write_statements(store, output)
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
    warn_of_changes(session.screen, store)
    warn_of_unmet(session.screen, store)
    session.screen.hint(
        f"sign with it from now on: --signer {new}, or LYRIKSTORE_SIGNER; keep the old key: only "
        "it can still revoke what it issued"
    )


@declare(
    "revoke",
    signs=True,
    appends=True,
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
    bears; what was logged before stays. A role that needs the key stays, with too few keys, and
    approves nothing until an owner admits more. Hand the statements (-o) to everybody who holds a
    delivery: laid next to it, they are found.
    """
    store = session.open_store(sign=True)
    did = _did(session, key)
    suspected = store.policy.suspected(did, suspect_from) if suspect_from else None
    lost = suspected.lost if suspected else ()
    index = suspected.index if suspected else None
    if suspected is not None:
        for entry, label in lost:
            session.screen.say(f"! no longer counts: entry {entry.index}: {label} {entry.id.short}")
        session.screen.say(
            f"– stays: {pluralize(suspected.stays, 'entry')} logged before entry {index}"
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
    made = store.policy.revoke(did, suspect_from=index, successor=after, message=message)
    _say_trusted(session, made, after)
    written = _write_statements(store, output)
    impact = store.query.impact(*(entry.id for entry, _ in lost))
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
            "unmet": [
                {"role": name, "threshold": role.threshold, "keyCount": len(role.keys)}
                for name, role in made.policy.roles.items()
                if role.is_unmet
            ],
            "impact": impact.to_json(),
        },
    )
    since = f", suspect from entry {index}" if index is not None else ""
    session.screen.result(f"✓ revoked  {did}{since}, log entry {made.index}")
    if lost:
        say_impact(session.screen, impact)
    _say_written(session, output, written)
    warn_of_changes(session.screen, store)
    warn_of_unmet(session.screen, store)
    if output is None:
        session.screen.hint("others need the statements: lyrikstore key statements -o DIR")
    else:
        session.screen.hint(
            f"hand what is in {output} to everybody who holds a delivery, to lay it beside; "
            f"of a deployed folder: lyrikstore verify FOLDER --status {output}"
        )
    if any(label == "credential" for _, label in lost):
        session.screen.hint("issue anew, by a key that is left, which credentials shall still hold")


@declare(
    "admit",
    signs=True,
    appends=True,
    epilog="lyrikstore key admit did:key:z6Mk… --log-key did:key:z6Mk…log\n"
    "lyrikstore key admit did:key:z6Mk…ann did:key:z6Mk…ben --role approver --threshold 2",
)
@click.argument("dids", metavar="DID…", nargs=-1, required=True)
@click.option(
    "--role",
    type=click.Choice(["writer", "approver"]),
    default="writer",
    show_default=True,
    help="writer: everything but who else may; approver: approve cards, and nothing else.",
)
@click.option(
    "--threshold",
    metavar="N",
    type=click.IntRange(min=1),
    help="How many approvers a card takes; by default as before, at first 1.",
)
@click.option(
    "--cards",
    metavar="PATTERN",
    multiple=True,
    help="Which cards all approvers approve, such as 'cards/acme/*'; by default as before, at "
    "first all.",
)
@click.option(
    "--log-key", metavar="KEY", help="A key for the log: a key of yours, did:key or Multikey."
)
@_remote
@_because
def _admit(
    session: Session,
    dids: tuple[str, ...],
    role: str,
    threshold: int | None,
    cards: tuple[str, ...],
    log_key: str | None,
    remote: str | None,
    message: str,
) -> None:
    """Let more people sign in this store, and with --log-key push to it.

    An owner signs it. With --role approver they approve model cards, and sign nothing else by
    that: so many of them as --threshold says, each for itself; those cards are then approved by
    nobody else. Keys are added to those that are there. A log key is added where the log is
    extended: with --remote NAME if that is a remote, such as a bucket.
    """
    approves = role == "approver"
    if (threshold is not None or cards) and not approves:
        raise click.UsageError("--threshold and --cards are for approvers: add --role approver")
    people = [_did(session, did) for did in dids]
    store = session.open_store(sign=True)
    by: Any = {
        "log_key": None if log_key is None else session.keys().public(log_key),
        "at": session.place(remote),
        "message": message,
    }
    if approves:
        made = store.policy.admit_approvers(*people, threshold=threshold, cards=cards, **by)
    else:
        made = store.policy.admit(*people, **by)
    given = made.policy.roles[role]
    session.emit(
        "key-admit",
        {
            "dids": people,
            "role": role,
            "members": list(given.keys),
            "threshold": given.threshold,
            "names": list(given.names),
            "logIndex": made.index,
            "logs": [str(log) for log in made.policy.logs],
        },
        version=2,
    )
    for did in people:
        session.screen.result(f"✓ admitted {did}, log entry {made.index}")
    if approves:
        session.screen.say(
            f"– approval takes {given.threshold} of {pluralize(len(given.keys), 'key')}: "
            f"{', '.join(given.names)}"
        )
        if "*" not in given.names:
            session.screen.say("! other cards are approved by whoever may sign everything")
    warn_of_changes(session.screen, store)
    warn_of_unmet(session.screen, store)


@declare(
    "retire",
    signs=True,
    appends=True,
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
    public = session.keys().public(log_key)
    store = session.open_store(sign=True, without_log_key=public)
    made = store.policy.retire(public, at=session.place(remote), message=message)
    written = _write_statements(store, output)
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
    warn_of_changes(session.screen, store)
    warn_of_unmet(session.screen, store)


@declare(
    "misdated",
    signs=True,
    appends=True,
    epilog="lyrikstore log --audit\nlyrikstore key misdated 17 -m 'the clock of the new machine'",
)
@click.argument("indices", metavar="INDEX…", nargs=-1, required=True, type=click.IntRange(min=0))
@_because
def _misdated(session: Session, indices: tuple[int, ...], message: str) -> None:
    """Say of log entries, by the numbers `log --audit` gives, that they bear a wrong date.

    An owner signs it. Nothing is judged here as of a moment before what the log holds, and whose
    clock is behind signs with the log's date: after one date in the future, everybody, and rights
    that end before it are over. Entries named so stay, and count as before; only their dates do
    not, nor does the same date of entries after them, and everybody is shown that, for good.
    """
    store = session.open_store(sign=True)
    made = store.policy.misdated(indices, message=message)
    misdated = list(made.policy.misdated)
    session.emit("key-misdated", {"misdated": misdated, "logIndex": made.index})
    session.screen.result(f"✓ misdated {', '.join(map(str, misdated))}, log entry {made.index}")
    warn_of_changes(session.screen, store)
    warn_of_unmet(session.screen, store)


@declare("statements", epilog="lyrikstore key statements -o for-buyers")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to write them to.",
)
def _statements(session: Session, output: Path) -> None:
    """Write what this store's log says of its keys: laid next to a delivery, it is found there.

    With it go log proofs of the newest attestations and grants by keys that are current no more.
    """
    store = session.open_store()
    written = _write(store, output)
    waits = store.policy.waits()
    session.emit("key-statements", {"written": written, "waits": waits})
    session.screen.wrote(written)
    if waits:
        session.screen.result("! the newest waits in the local log: first lyrikstore push")
    elif store.policy.current.version == 1:
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

    from lyrikstore.api.commands import build_document, web_url

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
        with storage_errors(f"writing {output}"):
            output.parent.mkdir(parents=True, exist_ok=True)
            write_over(output, text.encode())
    written = [] if output is None else [str(output)]
    session.emit("key-document", {"did": did, "url": url, "document": document, "written": written})
    if output is None and not session.options.json:
        for line in text.splitlines():
            session.screen.result(line)
    if output is not None:
        session.screen.result(f"✓ wrote    {output}")
    session.screen.hint(f"publish it at {url}")


def _did(session: Session, text: str) -> str:
    """Return the did:key that a person means: itself, or that of a key of this user."""
    keys = session.keys()
    if not text.startswith("did:"):
        return keys.find(text).did
    keys.public(text)  # refuses what is no did:key
    return text


def _say_trusted(session: Session, made: "PolicyChange", successor: str | None) -> None:
    if made.trusted is not None:
        session.screen.result(f"✓ trusted  {successor}, for this store only, as {made.trusted}")


def _say_written(session: Session, output: Path | None, written: list[str]) -> None:
    session.screen.wrote(written)
    if output is not None and not written:  # the home log does not have it yet
        session.screen.hint(
            f"after the next push, write the statements: lyrikstore key statements -o {output}"
        )


def _write_statements(store: "Store", folder: Path | None) -> list[str]:
    """Write what the log says of keys; nothing while the newest change waits for a push."""
    return [] if folder is None or store.policy.waits() else _write(store, folder)


def _write(store: "Store", folder: Path) -> list[str]:
    return [str(path) for path in write_files(folder, store.policy.statements())]


COMMANDS = (_rotate, _revoke, _admit, _retire, _statements, _document, _misdated)
"""Subcommands of ``lyrikstore key``."""
