"""``lyrikstore key``: the signing keys of this user."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyrikstore.canon.errors import InvalidInputError, KeyMaterialError, storage_error
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.crypto.keyfile import StoredKey
    from lyrikstore.store import Store


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Make, list, show, export or back up signing keys; replace or revoke those of a store.

    Keys are Ed25519 in OpenSSH format, readable by you alone, and never inside a store.
    """


@declare("new", passphrase=True, epilog="lyrikstore key new\nlyrikstore key new --from keys.backup")
@click.argument("name", default="default")
@click.option("--no-passphrase", is_flag=True, help="Store the key unprotected (for machines).")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="Restore the keys of a backup instead of making one.",
)
def _new(
    session: Session,
    name: str,
    no_passphrase: bool,
    source: Path | None,
) -> None:
    """Make a key, or restore the keys of a backup."""
    from lyrikstore.crypto import keyfile

    if source is not None:
        _restore(session, source)
        return
    passphrase = None if no_passphrase else session.ask_passphrase("new passphrase", confirm=True)
    if passphrase is not None and not passphrase:
        raise KeyMaterialError(
            "passphrase-missing", "the passphrase is empty", hint="or say --no-passphrase"
        )
    key = keyfile.create_key(session.paths.keys, name, passphrase)
    _report(session, "key-new", [key])
    session.screen.hint("back it up, nobody can restore it: lyrikstore key backup -o FILE")


@declare("list")
def _list(session: Session) -> None:
    """List your keys."""
    from lyrikstore.crypto import keyfile

    _report(session, "key-list", keyfile.list_keys(session.paths.keys))


@declare("show")
@click.argument("name", default="default")
def _show(session: Session, name: str) -> None:
    """Show the DID of a key: what others put into their trust file."""
    _report(session, "key-show", [_find(session, name)])


@declare("export")
@click.argument("name", default="default")
@click.option("--format", "form", type=click.Choice(["did", "multikey", "openssh"]), default="did")
def _export(session: Session, name: str, form: str) -> None:
    """Print the public half of a key."""
    from lyrikstore.crypto.multikey import encode_multikey

    key = _find(session, name)
    text = {
        "did": key.did,
        "multikey": encode_multikey(key.public),
        "openssh": key.path.with_name(key.path.name + ".pub").read_text("utf-8").strip(),
    }[form]
    session.emit("key-export", {"name": name, "format": form, "public": text})
    session.screen.result(text)


@declare("backup", passphrase=True, epilog="lyrikstore key backup -o keys.backup")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option(
    "--backup-passphrase-file",
    type=click.Path(path_type=Path),
    help="The backup's own passphrase; by default the one of the key.",
)
def _backup(
    session: Session,
    output: Path,
    backup_passphrase_file: Path | None,
) -> None:
    """Write all your keys, log keys included, to one encrypted file.

    Print it or put it on a stick in a drawer. `key new --from FILE` restores it.
    """
    from lyrikstore.crypto import keyfile

    stored = keyfile.list_keys(session.paths.keys)
    if not stored:
        raise KeyMaterialError("key-missing", "no keys to back up", hint="lyrikstore key new")
    keys = [
        (key.name, keyfile.load_key(key.path, session.passphrase if key.encrypted else None))
        for key in stored
    ]
    if backup_passphrase_file is not None:
        session.options.passphrase_file = backup_passphrase_file
    passphrase = session.ask_passphrase("passphrase for the backup", confirm=True)
    data = keyfile.backup(keys, passphrase)
    read_back = [(name, key.public) for name, key in keyfile.restore(data, passphrase)]
    if read_back != [(name, key.public) for name, key in keys]:
        raise KeyMaterialError("backup-failed", "the backup does not read back")
    try:
        with output.open("xb") as file:
            output.chmod(0o600)
            file.write(data)
    except FileExistsError:
        raise InvalidInputError(
            "exists", f"{output} exists", hint="choose another name; backups are not overwritten"
        ) from None
    session.emit("key-backup", {"path": str(output), "keys": [key.name for key in stored]})
    session.screen.result(f"✓ backed up {len(keys)} keys to {output}, and read them back")


@declare(
    "rotate",
    signs=True,
    epilog="lyrikstore key new next && lyrikstore key rotate next\n"
    "lyrikstore key rotate did:key:z6Mk…new --old did:key:z6Mk…old",
)
@click.argument("new", metavar="NEW")
@click.option("--old", metavar="KEY", help="The key it succeeds; by default the one that signs.")
@click.option("-m", "--message", default="", help="Why; signed and public.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the statements there.")
def _rotate(session: Session, new: str, old: str | None, message: str, output: Path | None) -> None:
    """Let NEW, the name of a key of yours or a DID, take the place of a key of this store.

    An owner signs it; for your own key that is you. What the old key signed stays good: it was
    logged before. Others learn of it from the deliveries you make from now on.
    """
    from lyrikstore.history.succession import change_policy, rotated

    store = session.open_store(sign=True)
    signing = store.signing()
    before = _did(session, old) if old else signing["signer"].did
    after = _did(session, new)
    made = change_policy(store.repository, rotated(before, after), message=message, **signing)
    _believe_too(session, store, before, after)
    written = _write_statements(store, output)
    session.emit(
        "key-rotate",
        {
            "old": before,
            "new": after,
            "logIndex": made.index,
            "policy": str(made.manifest.id),
            "version": made.policy.version,
            "written": written,
        },
    )
    session.screen.result(f"✓ rotated  {after}  succeeds {before}, log entry {made.index}")
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
@click.option("-m", "--message", default="", help="Why; signed and public.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the statements there.")
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
    delivery: laid beside it, they are found.
    """
    from lyrikstore.history.succession import affected, change_policy, revoked, suspect_index

    store = session.open_store(sign=True)
    did = _did(session, key)
    index = suspect_index(store.repository, suspect_from) if suspect_from else None
    lost: list[str] = []
    if index is not None:
        hit = affected(store.repository, did, index)
        lost = [f"entry {entry.index}: {label} {entry.id.short}" for entry, label in hit[True]]
        for line in lost:
            session.screen.say(f"! no longer counts: {line}")
        session.screen.say(f"– stays: {len(hit[False])} entries logged before entry {index}")
        if not yes:
            session.confirm(f"{len(lost)} entries by {did} no longer count")
    after = _did(session, successor) if successor else None
    signing = store.signing()
    made = change_policy(store.repository, revoked(did, index, after), message=message, **signing)
    if after is not None:
        _believe_too(session, store, did, after)
    written = _write_statements(store, output)
    session.emit(
        "key-revoke",
        {
            "key": did,
            "suspectFrom": index if index is not None else "",
            "successor": after or "",
            "lost": lost,
            "logIndex": made.index,
            "policy": str(made.manifest.id),
            "version": made.policy.version,
            "written": written,
        },
    )
    since = f", suspect from entry {index}" if index is not None else ""
    session.screen.result(f"✓ revoked  {did}{since}, log entry {made.index}")
    if not written:
        session.screen.hint("others need the statements: lyrikstore key statements -o DIR")


@declare("statements", epilog="lyrikstore key statements -o for-buyers")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def _statements(session: Session, output: Path) -> None:
    """Write what this store's log says of its keys: laid beside a delivery, it is found there."""
    written = _write_statements(session.open_store(), output)
    session.emit("key-statements", {"written": written})
    for path in written:
        session.screen.result(f"✓ wrote    {path}")
    if not written:
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

    keys = [_did(session, name).removeprefix("did:key:") for name in names or ("default",)]
    url = web_url(did)
    text = json.dumps(build_document(did, {key: key for key in keys}), indent=2) + "\n"
    if output is not None:
        _write(output, text.encode())
    session.emit("key-document", {"did": did, "url": url, "keys": keys})
    if output is None and not session.options.json:
        session.screen.result(text.rstrip())
    session.screen.hint(f"publish it at {url}")


def _did(session: Session, text: str) -> str:
    """Return the did:key that a person means: itself, or that of a key of this user."""
    from lyrikstore.crypto.multikey import did_key, parse_did_key

    if text.startswith("did:"):
        return did_key(parse_did_key(text))
    return _find(session, text).did


def _believe_too(session: Session, store: "Store", before: str, after: str) -> None:
    """Let this user's trust in the old key for this store extend to its successor."""
    from dataclasses import replace

    from lyrikstore.credentials.trust import add_issuer, load_trust

    known = {issuer.nickname for issuer in load_trust(session.paths.trust).issuers}
    for issuer in load_trust(session.paths.trust).issuers:
        if issuer.did == before and issuer.stores == (store.id,):
            name = next(
                name
                for number in range(2, 10_000)
                if (name := f"{issuer.nickname[:90]} {number}") not in known
            )
            add_issuer(session.paths.trust, replace(issuer, did=after, nickname=name))
            session.screen.result(f"✓ trusted  {after}, for this store only, as {name}")
            return


def _write_statements(store: "Store", folder: Path | None) -> list[str]:
    from lyrikstore.publish.keystatements import key_statements

    if folder is None:
        return []
    written = []
    for name, data in key_statements(store.repository).items():
        _write(folder / name, data)
        written.append(str(folder / name))
    return written


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise storage_error(error, f"writing {path}") from error


def _restore(session: Session, source: Path) -> None:
    from lyrikstore.crypto import keyfile

    try:
        data = source.read_bytes()
    except OSError as error:
        raise InvalidInputError("unreadable", f"cannot read {source}: {error.strerror}") from None
    passphrase = session.ask_passphrase("passphrase of the backup")
    known = {key.name for key in keyfile.list_keys(session.paths.keys)}
    restored = []
    for name, private in keyfile.restore(data, passphrase):
        if name in known:
            session.screen.say(f"– {name} is there already, left alone")
            continue
        # Log keys sign at every commit and are kept unprotected, as `init` makes them.
        secret = None if name.startswith("log-") else passphrase
        restored.append(keyfile.store_key(session.paths.keys, name, private, secret))
    _report(session, "key-restore", restored)


def _find(session: Session, name: str) -> "StoredKey":
    from lyrikstore.crypto import keyfile

    for key in keyfile.list_keys(session.paths.keys):
        if key.name == name:
            return key
    raise KeyMaterialError(
        "key-missing", f"no key {name} in {session.paths.keys}", hint="lyrikstore key new"
    )


def _report(session: Session, command_name: str, keys: "list[StoredKey]") -> None:
    session.emit(
        command_name,
        {
            "keys": [
                {
                    "name": key.name,
                    "did": key.did,
                    "path": str(key.path),
                    "encrypted": key.encrypted,
                }
                for key in keys
            ]
        },
    )
    for key in keys:
        lock = "passphrase" if key.encrypted else "no passphrase"
        session.screen.result(f"{key.name}  {key.did}  {key.path}  ({lock})")
    if not keys:
        session.screen.say("no keys")


for _subcommand in (
    _new,
    _list,
    _show,
    _export,
    _backup,
    _rotate,
    _revoke,
    _statements,
    _document,
):
    command.add_command(_subcommand)
