"""Changes of a store's keys: rotate, revoke, admit, retire, misdated, statements, document."""

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
_remote = click.option(
    "--remote", metavar="NAME", help="Do it at this remote, the home of the log."
)
_statements_at = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A folder to write the key statements to.",
)


@declare(
    "rotate",
    signs=True,
    appends=True,
    epilog="lyrikstore key new next && lyrikstore key rotate next\n"
    "lyrikstore key rotate did:key:z6Mk…new --old did:key:z6Mk…old",
)
@click.argument("new", metavar="NEW")
@click.option(
    "--old", metavar="KEY", help="The key that NEW replaces; by default the one that signs."
)
@_because
@_statements_at
def _rotate(session: Session, new: str, old: str | None, message: str, output: Path | None) -> None:
    """Replace a key of this store by NEW, the name of one of your keys or a DID.

    An owner signs this; for your own key that is you. Signatures of the old key stay valid, because
    they were logged before. Receivers see the change in the deliveries that you make from now on.
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
    help="When others may have got the key: a log index, or a UTC time that is converted to one.",
)
@click.option("--successor", metavar="KEY", help="The key that replaces it: a name or a DID.")
@_because
@_statements_at
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def _revoke(
    session: Session,
    key: str,
    suspect_from: str | None,
    successor: str | None,
    message: str,
    output: Path | None,
    yes: bool,
) -> None:
    """Remove KEY, the name of one of your keys or a DID, from all roles in this store, permanently.

    With --suspect-from its signatures do not count from that log entry on, whatever their date;
    entries logged before stay valid. A role that then has fewer keys than its threshold approves
    nothing until an owner admits more. Send the key statements (-o) to all receivers of deliveries:
    `verify` finds them beside a delivery.
    """
    store = session.open_store(sign=True)
    did = _did(session, key)
    suspected = store.policy.suspected(did, suspect_from) if suspect_from else None
    uncounted = suspected.lost if suspected else ()
    index = suspected.index if suspected else None
    if suspected is not None:
        for entry, label in uncounted:
            session.screen.say(f"! no longer counts: entry {entry.index}: {label} {entry.id.short}")
        session.screen.say(
            f"– still count: {pluralize(suspected.stays, 'entry')} logged before entry {index}"
        )
        if not yes:
            session.confirm(
                pluralize(
                    len(uncounted),
                    f"entry by {did} no longer counts",
                    f"entries by {did} no longer count",
                )
            )
    after = _did(session, successor) if successor else None
    made = store.policy.revoke(did, suspect_from=index, successor=after, message=message)
    _say_trusted(session, made, after)
    written = _write_statements(store, output)
    impact = store.query.impact(*(entry.id for entry, _ in uncounted))
    session.emit(
        "key-revoke",
        {
            "did": did,
            "suspectFrom": index,
            "successor": after,
            "lost": [
                {"logIndex": entry.index, "id": str(entry.id), "label": label}
                for entry, label in uncounted
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
    if uncounted:
        say_impact(session.screen, impact)
    _say_written(session, output, written)
    warn_of_changes(session.screen, store)
    warn_of_unmet(session.screen, store)
    if output is None:
        session.screen.hint("receivers need the key statements: lyrikstore key statements -o DIR")
    else:
        session.screen.hint(
            f"send the files in {output} to all receivers, who put them beside the delivery; "
            f"for a deployed folder: lyrikstore verify FOLDER --status {output}"
        )
    if any(label == "credential" for _, label in uncounted):
        session.screen.hint("issue credentials that are still needed again, with another key")


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
    type=click.Choice(["writer", "approver", "waiver"]),
    default="writer",
    show_default=True,
    help="writer: sign everything except changes of keys; approver: approve cards only; waiver: "
    "waive rules only.",
)
@click.option(
    "--threshold",
    metavar="N",
    type=click.IntRange(min=1),
    help="How many approvers a card needs; by default unchanged, at first 1.",
)
@click.option(
    "--cards",
    metavar="PATTERN",
    multiple=True,
    help="Which cards the approvers approve, such as 'cards/acme/*'; by default unchanged, at "
    "first all.",
)
@click.option(
    "--log-key", metavar="KEY", help="A key for the log: the name of your key, did:key or Multikey."
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
    """Admit further keys to sign in this store, and with --log-key to push to it.

    An owner signs this. With --role approver the keys may only approve model cards: a card needs
    the approvals of as many as --threshold states, and other keys cannot approve those cards. Keys
    are added to the existing ones. A log key is added where the log is extended: with --remote
    NAME if that is a remote, such as a bucket.
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
    elif role == "waiver":
        made = store.policy.admit_waivers(*people, **by)
    else:
        made = store.policy.admit(*people, **by)
    new_role = made.policy.roles[role]
    session.emit(
        "key-admit",
        {
            "dids": people,
            "role": role,
            "members": list(new_role.keys),
            "threshold": new_role.threshold,
            "names": list(new_role.names),
            "logIndex": made.index,
            "logs": [str(log) for log in made.policy.logs],
        },
        version=2,
    )
    for did in people:
        session.screen.result(f"✓ admitted {did}, log entry {made.index}")
    if approves:
        session.screen.say(
            f"– approval needs {new_role.threshold} of {pluralize(len(new_role.keys), 'key')}: "
            f"{', '.join(new_role.names)}"
        )
        if "*" not in new_role.names:
            session.screen.say("! other cards are approved by every key that may sign everything")
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
    """Retire LOGKEY: from now on it cannot sign log checkpoints of this store, permanently.

    An owner signs this, and another log key signs the log. Verifiers that see the change refuse
    later log checkpoints by LOGKEY; earlier ones stay valid. Verifiers cannot know of it otherwise:
    send the key statements (-o) to receivers of deliveries. In a clone the change waits for the
    next push; with --remote NAME it is made at once, where the log is extended.
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
    """Mark log entries, by their numbers in `log --audit`, as having a wrong date.

    An owner signs this. A store never judges or signs as of a time before the latest date of its
    log: so after one entry with a date in the future, all later entries get that date, and rights
    that end before it count as ended. Marked entries stay valid; only their dates, and equal dates
    of later entries, no longer count. The mark is permanent and shown to everybody.
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
    help="The folder to write the statements to.",
)
def _statements(session: Session, output: Path) -> None:
    """Write the key statements of this store, which `verify` finds beside a delivery.

    They include log proofs of the newest attestations and grants by keys that were replaced.
    """
    store = session.open_store()
    written = _write(store, output)
    waits = store.policy.waits()
    session.emit("key-statements", {"written": written, "waits": waits})
    session.screen.wrote(written)
    if waits:
        session.screen.result(
            "! the newest change waits in the local log: run lyrikstore push first"
        )
    elif store.policy.current.version == 1:
        session.screen.say("no key was added, replaced or revoked since the store was created")


@declare(
    "document",
    epilog="lyrikstore key document did:web:acme.example -o did.json",
)
@click.argument("did", metavar="DID")
@click.argument("names", metavar="[KEY…]", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write.")
def _document(session: Session, did: str, names: tuple[str, ...], output: Path | None) -> None:
    """Print the DID document of a did:web with KEYs: names of your keys, or did:key.

    KEY is `default` by default. Publish the document at the URL of the DID. Keep replaced keys in
    it: without them their signatures can no longer be checked.
    """
    import json

    from lyrikstore.api.commands import build_document, web_url

    if not did.startswith("did:web:"):
        host = did.removeprefix("https://").strip("/").replace("/", ":")
        raise InvalidInputError(
            "bad-did", f"{did[:200]} is not a did:web", hint=f"write did:web:{host}"
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
    """Return the did:key of a key that is given as a did:key or by its name."""
    keys = session.keys()
    if not text.startswith("did:"):
        return keys.find(text).did
    keys.public(text)  # raises an error unless it is a did:key
    return text


def _say_trusted(session: Session, made: "PolicyChange", successor: str | None) -> None:
    if made.trusted is not None:
        session.screen.result(f"✓ trusted  {successor}, for this store only, as {made.trusted}")


def _say_written(session: Session, output: Path | None, written: list[str]) -> None:
    session.screen.wrote(written)
    if output is not None and not written:  # the home log does not hold the change yet
        session.screen.hint(
            f"after the next push, write the statements: lyrikstore key statements -o {output}"
        )


def _write_statements(store: "Store", folder: Path | None) -> list[str]:
    """Write the key statements; nothing while the newest change waits for a push."""
    return [] if folder is None or store.policy.waits() else _write(store, folder)


def _write(store: "Store", folder: Path) -> list[str]:
    return [str(path) for path in write_files(folder, store.policy.statements())]


COMMANDS = (_rotate, _revoke, _admit, _retire, _statements, _document, _misdated)
"""Subcommands of ``lyrikstore key``."""
