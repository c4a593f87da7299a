"""``lyrikstore key``: the signing keys of this user."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lyrikstore.canon.errors import (
    InvalidInputError,
    KeyMaterialError,
    LyrikstoreError,
    storage_error,
)
from lyrikstore.canon.files import create_file, read_at_most
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import now
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.commands.key import rotation
from lyrikstore_cli.groups import HELP_NAMES
from lyrikstore_cli.options import force_output, output_file, write_output
from lyrikstore_cli.session import Session

if TYPE_CHECKING:
    from lyrikstore.api import Policy, Store
    from lyrikstore.api.commands import StoredKey


@click.group(context_settings=HELP_NAMES)
def command() -> None:
    """Make, list, show, export or back up signing keys; replace or revoke those of a store.

    Keys are Ed25519 in OpenSSH format, readable only by you, and never inside a store.
    """


@declare("new", passphrase=True, epilog="lyrikstore key new\nlyrikstore key new --from keys.backup")
@click.argument("name", default="default")
@click.option("--no-passphrase", is_flag=True, help="Store the key unprotected (for machines).")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="Restore the keys of this backup instead of making a key.",
)
def _new(
    session: Session,
    name: str,
    no_passphrase: bool,
    source: Path | None,
) -> None:
    """Make a key, or restore the keys of a backup."""
    if source is not None:
        _restore(session, source)
        return
    passphrase = None
    if not no_passphrase:
        way = "--passphrase-file FILE, or --no-passphrase for the key of a machine"
        passphrase = session.ask_passphrase("new passphrase", confirm=True, way=way)
    if passphrase is not None and not passphrase:
        raise KeyMaterialError(
            "passphrase-missing",
            "the passphrase is empty",
            hint="type a passphrase, or add --no-passphrase",
        )
    key = session.keys().create(name, passphrase)
    _report(session, "key-new", [key])
    session.screen.hint("back up this key, nobody can restore it: lyrikstore key backup -o FILE")


@declare("list")
def _list(session: Session) -> None:
    """List your keys, and the roles of each in the store here, if there is one."""
    keys = session.keys().all()
    _, policy = _here(session)
    standing = None if policy is None else {key.did: policy.standing_of(key.public) for key in keys}
    names = {key.did: key.name for key in keys}
    rows = None if standing is None else [{"did": did, **one} for did, one in standing.items()]
    session.emit("key-list", {"keys": _rows(keys), "standing": rows})
    for key in keys:
        here = "" if standing is None else f"  here: {_in_words(standing[key.did], names)}"
        session.screen.result(_line(key) + here)
    if not keys:
        session.screen.say("no keys")


def _here(session: Session) -> "tuple[Store, Policy] | tuple[None, None]":
    """Return the store here and its policy, or a pair of None."""
    try:
        store = session.open_store()
        policy = store.policy.current
    except LyrikstoreError:
        if session.store_named:
            raise
        return None, None  # no readable store: the keys are listed without roles
    return store, policy


def _in_words(standing: dict[str, Any], names: dict[str, str]) -> str:
    facts = [*standing["roles"]]
    if standing["signsLog"]:
        facts.append("signs the log")
    if standing["signsNoMore"]:
        facts.append("signs no more")
    if standing["suspectFrom"] is not None:
        facts.append(f"suspect from log entry {standing['suspectFrom']}")
    if (successor := standing["successor"]) is not None:
        facts.append(f"replaced by {names.get(successor, successor)}")
    return ", ".join(facts) or "no role"


@declare("show")
@click.argument("name", default="default")
def _show(session: Session, name: str) -> None:
    """Show the DID of a key, which others add to their trust file."""
    _report(session, "key-show", [session.keys().find(name)])


@declare("export")
@click.argument("name", default="default")
@click.option(
    "--format",
    "form",
    type=click.Choice(["did", "multikey", "openssh", "pem"]),
    default="did",
    help="The format of the output.",
)
def _export(session: Session, name: str, form: str) -> None:
    """Print the public key of a key pair."""
    from lyrikstore.api.commands import public_pem

    key = session.keys().find(name)
    text = {
        "did": key.did,
        "multikey": key.did.removeprefix("did:key:"),
        "openssh": key.path.with_name(key.path.name + ".pub").read_text("utf-8").strip(),
        "pem": public_pem(key.public),
    }[form]
    session.emit("key-export", {"name": name, "format": form, "public": text})
    session.screen.result(text)


@declare(
    "letter",
    epilog="lyrikstore key letter -o annex.pdf\nlyrikstore key letter did:key:z6Mk… -o copy.html",
)
@click.argument("name", metavar="[KEY]", required=False)
@output_file
@force_output
def _letter(session: Session, name: str | None, output: Path, force: bool) -> None:
    """Write one page about KEY for a contract: its DID, in words and as a QR code, and its owner.

    KEY is the name of one of your keys, by default the one that signs, or a DID that you received:
    make the letter again from the DID to check that the words belong to the key. In a store where
    KEY has a role the letter also names the store and the key of its log. The private key is not
    read. A .pdf needs the extra `pdf`; a .html can be printed by any browser.
    """
    from lyrikstore.api.commands import KeyLetter, letter_page, letter_pdf

    ending = output.suffix.lower()
    if ending not in {".pdf", ".html"}:
        raise InvalidInputError(
            "usage", f"{output} ends neither in .pdf nor in .html", hint="write -o annex.pdf"
        )
    named = name or session.own_did()
    if named is None:
        raise KeyMaterialError(
            "key-missing",
            "the key that signs cannot be read",
            hint="lyrikstore key list shows your keys, lyrikstore key new makes one",
        )
    key = session.keys().public(named)
    store, policy = _here(session)
    letter = KeyLetter.about(
        key, at=now(), store=None if store is None else store.id, policy=policy
    )
    made = letter_pdf(letter) if ending == ".pdf" else letter_page(letter.to_json())
    write_output(output, made, force=force)
    session.emit("key-letter", {**letter.to_json(), "written": [str(output)]})
    session.screen.result(f"✓ wrote    {output}  {letter.did}, {letter.fingerprint}")
    if store is not None and letter.store is None:
        session.screen.say(
            "– the key has no role in the store here, so the letter does not name the store"
        )
    session.screen.hint("print and sign it; on the phone, read the words out to the other party")


@declare("backup", passphrase=True, epilog="lyrikstore key backup -o keys.backup")
@output_file
@click.option(
    "--backup-passphrase-file",
    type=click.Path(path_type=Path),
    help="A file with the backup's passphrase; by default that of the key.",
)
def _backup(
    session: Session,
    output: Path,
    backup_passphrase_file: Path | None,
) -> None:
    """Write all your keys, log keys included, to one encrypted file.

    Print it or keep it on a USB stick. `key new --from FILE` restores the keys.
    """

    def passphrase() -> bytes:
        if backup_passphrase_file is not None:
            session.options.passphrase_file = backup_passphrase_file
        way = "--backup-passphrase-file FILE"
        return session.ask_passphrase("passphrase for the backup", confirm=True, way=way)

    data = session.keys().backup(passphrase)
    try:
        create_file(output, data, mode=0o600)
        written = output.read_bytes()
    except FileExistsError:
        raise InvalidInputError(
            "exists", f"{output} exists", hint="choose another name; backups are not overwritten"
        ) from None
    except OSError as error:
        raise storage_error(error, f"writing {output}") from error
    if written != data:
        raise KeyMaterialError("backup-failed", f"{output} could not be read back")
    keys = session.keys().all()
    session.emit("key-backup", {"keys": _rows(keys), "written": [str(output)]})
    session.screen.result(
        f"✓ backed up {pluralize(len(keys), 'key')} to {output}, and read them back"
    )


def _restore(session: Session, source: Path) -> None:
    from lyrikstore.api.commands import MAX_BACKUP

    data = read_at_most(source, MAX_BACKUP + 1)
    passphrase = session.ask_passphrase("passphrase of the backup")
    restored, left = session.keys().restore(data, passphrase)
    for name in left:
        session.screen.say(f"– {name} exists already and was not changed")
    _report(session, "key-new", restored)


def _report(session: Session, command_name: str, keys: "list[StoredKey]") -> None:
    session.emit(command_name, {"keys": _rows(keys)})
    for key in keys:
        session.screen.result(_line(key))
    if not keys:
        session.screen.say("no keys")


def _line(key: "StoredKey") -> str:
    lock = "passphrase" if key.encrypted else "no passphrase"
    return f"{key.name}  {key.did}  {key.path}  ({lock})"


def _rows(keys: "list[StoredKey]") -> list[dict[str, object]]:
    return [
        {"name": key.name, "did": key.did, "path": str(key.path), "encrypted": key.encrypted}
        for key in keys
    ]


for _subcommand in (_new, _list, _show, _export, _letter, _backup, *rotation.COMMANDS):
    command.add_command(_subcommand)
