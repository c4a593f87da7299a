"""Private keys on disk, as OpenSSH writes them (spec §3.5).

``NAME`` contains the key (mode 0600), ``NAME.pub`` the public line, both in a directory of mode
0700; ``ssh-keygen -y`` reads them. The passphrase is optional; with one the file is encrypted with
aes256-ctr under bcrypt_pbkdf.
"""

import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)
from msgspec import Struct

from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    KeyMaterialError,
    storage_error,
)
from lyrikstore.canon.files import create_file, sync_directory
from lyrikstore.canon.quoting import quote
from lyrikstore.crypto.ed25519 import PrivateKey, PublicKey
from lyrikstore.crypto.keys.openssh import read_header
from lyrikstore.crypto.multikey import did_key

PassphraseSource = Callable[[Path], bytes]
"""A function from a key file to its passphrase: a prompt, a file descriptor, a test value."""

BCRYPT_ROUNDS = 64
"""Number of rounds: four times the default of ssh-keygen; about 0.5 s on two slow cores."""

MAX_KEY_FILE = 1 << 16
MAX_BACKUP = 1 << 24
"""Maximum bytes of a backup; a larger one is refused before reading."""

MAX_PASSPHRASE = 1023
"""Maximum bytes of a passphrase; no key can be derived from a longer one."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_BLOCK = re.compile(
    rb"-----BEGIN OPENSSH PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END OPENSSH PRIVATE KEY-----\n"
)
_BACKUP_LINE = b"# lyrikstore key "


class StoredKey(Struct, frozen=True):
    """A key in a key directory, read without its passphrase.

    Attributes:
        name: File name, ``[a-z0-9][a-z0-9._-]{0,63}``.
        path: The private key file.
        public: The public half, from the clear part of that file.
        did: The public half as ``did:key:z6Mk…``.
        encrypted: Whether opening it needs a passphrase.
    """

    name: str
    path: Path
    public: PublicKey
    did: str
    encrypted: bool


def create_key(
    directory: Path, name: str, passphrase: bytes | None, comment: str = ""
) -> StoredKey:
    """Create a key in ``directory``, durably, and return it.

    Args:
        directory: Created with mode 0700 if missing; refused if others can enter it.
        name: The file's name.
        passphrase: ``None`` writes the key unencrypted.
        comment: Comment of the public line; one line of printable characters.

    Raises:
        InvalidInputError: (``bad-key-name``, ``bad-comment``, ``empty-passphrase``).
        ConflictError: (``key-exists``) the file exists; no key is ever overwritten.
        KeyMaterialError: (``lax-permissions``) others can enter the directory.
        StorageError: Storage backend error; no half-written key stays behind.

    Cost: about 0.5 s with a passphrase (deliberately slow key derivation).
    """
    return store_key(directory, name, PrivateKey.generate(), passphrase, comment)


def store_key(
    directory: Path, name: str, key: PrivateKey, passphrase: bytes | None, comment: str = ""
) -> StoredKey:
    """Write an existing key to ``directory`` and return it; else as :func:`create_key`."""
    _check_name(name)
    if not comment.isprintable() or len(comment) > 200:
        raise InvalidInputError("bad-comment", "a key comment is one line of printable characters")
    private_bytes = _encode(key, passphrase)
    public_line = _public_line(key.public, comment)
    path, public_path = directory / name, directory / f"{name}.pub"
    try:
        _make_private_directory(directory)
        _check_directory(directory, forbidden=0o077)
        create_file(path, private_bytes, mode=0o600)
        try:
            create_file(public_path, public_line, mode=0o644)
        except BaseException:
            path.unlink()
            raise
    except FileExistsError:
        raise ConflictError(
            "key-exists",
            f"a key named {name} exists in {directory}",
            hint="choose another name; lyrikstore never overwrites a key",
        ) from None
    except OSError as error:
        raise storage_error(error, f"cannot write the key {path}") from error
    return StoredKey(name, path, key.public, did_key(key.public), passphrase is not None)


def load_key(path: Path, passphrase: PassphraseSource | None) -> PrivateKey:
    """Return the private key in a file.

    Args:
        path: An OpenSSH private key file.
        passphrase: Called, with ``path``, only if the file is encrypted.

    Raises:
        KeyMaterialError: (``key-missing``) no such file; (``lax-permissions``) others may read
            it or replace it; (``passphrase-needed``) it is encrypted and there is no passphrase
            source; (``passphrase-wrong``); (``key-broken``) not an Ed25519 OpenSSH private key.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    return _decode(_read_private(path), path, passphrase)


def list_keys(directory: Path) -> list[StoredKey]:
    """Return the keys in ``directory`` by name; an empty list if it does not exist.

    Needs no passphrase. Files whose names are not those of key files are ignored.

    Raises:
        KeyMaterialError: (``lax-permissions``, ``key-broken``) a key cannot be trusted.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    try:
        names = sorted(entry.name for entry in directory.iterdir() if entry.is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise storage_error(error, f"cannot list the keys in {directory}") from error
    keys = []
    for name in names:
        if not _NAME.fullmatch(name) or name.endswith(".pub"):
            continue
        path = directory / name
        header = read_header(_read_private(path), str(path))
        keys.append(StoredKey(name, path, header.public, did_key(header.public), header.encrypted))
    return keys


def backup(keys: Sequence[tuple[str, PrivateKey]], passphrase: bytes) -> bytes:
    """Return one text with all ``keys``, each encrypted: comment line, then OpenSSH PEM.

    Raises:
        InvalidInputError: (``empty-passphrase``) a backup is always encrypted;
            (``bad-key-name``).
    """
    parts = []
    for name, key in keys:
        _check_name(name)
        if not passphrase:
            raise InvalidInputError("empty-passphrase", "a key backup needs a passphrase")
        parts.append(_BACKUP_LINE + name.encode() + b"\n" + _encode(key, passphrase))
    return b"".join(parts)


def restore(data: bytes, passphrase: bytes) -> list[tuple[str, PrivateKey]]:
    """Return the keys that :func:`backup` put into ``data``, in its order.

    Raises:
        KeyMaterialError: (``passphrase-wrong``, ``key-broken``); (``backup-broken``) it is cut
            off, edited, or not a backup.
    """
    keys: list[tuple[str, PrivateKey]] = []
    position = 0
    while position < len(data):
        end = data.find(b"\n", position)
        line = data[position : end if end >= 0 else len(data)]
        name = line.removeprefix(_BACKUP_LINE).decode("ascii", "replace")
        block = _BLOCK.match(data, end + 1) if end >= 0 else None
        known = any(name == seen for seen, _ in keys)
        if (
            not line.startswith(_BACKUP_LINE)
            or not _NAME.fullmatch(name)
            or known
            or block is None
            or len(block[0]) > MAX_KEY_FILE
        ):
            raise KeyMaterialError(
                "backup-broken", f"not a key backup, or cut off, at byte {position}"
            )
        keys.append((name, _decode(block[0], Path(name), lambda _: passphrase)))
        position = block.end()
    if not keys:
        raise KeyMaterialError("backup-broken", "the key backup is empty")
    return keys


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name.endswith(".pub"):
        raise InvalidInputError(
            "bad-key-name",
            f"not a key name: {quote(name)}",
            hint="use lower-case letters, digits, '.', '_' and '-'; start with a letter or digit",
        )


def _encode(key: PrivateKey, passphrase: bytes | None) -> bytes:
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        if not passphrase:
            raise InvalidInputError("empty-passphrase", "the passphrase is empty")
        if len(passphrase) > MAX_PASSPHRASE:
            raise InvalidInputError(
                "long-passphrase", f"the passphrase is longer than {MAX_PASSPHRASE} bytes"
            )
        builder = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(BCRYPT_ROUNDS)
        encryption = builder.build(passphrase)
    private = Ed25519PrivateKey.from_private_bytes(key.seed_for_key_file())
    return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


def _decode(data: bytes, path: Path, passphrase: PassphraseSource | None) -> PrivateKey:
    header = read_header(data, str(path))
    secret: bytes | None = None
    if header.encrypted:
        if passphrase is None:
            raise KeyMaterialError("passphrase-needed", f"the key {path} needs its passphrase")
        secret = passphrase(path)
    broken = KeyMaterialError("key-broken", f"not a usable Ed25519 private key: {path}")
    try:
        private = load_ssh_private_key(data, secret or None)
    except UnsupportedAlgorithm:
        raise broken from None
    except (ValueError, TypeError):
        # `from None`: the libraries' exceptions may carry what was decrypted or typed.
        if header.encrypted:
            raise KeyMaterialError(
                "passphrase-wrong", f"that is not the passphrase of {path}"
            ) from None
        raise broken from None
    if not isinstance(private, Ed25519PrivateKey):
        raise broken
    key = PrivateKey.from_seed(private.private_bytes_raw())
    if key.public != header.public:  # the clear half is what `key list` showed
        raise broken
    return key


def _public_line(public: PublicKey, comment: str) -> bytes:
    key = Ed25519PublicKey.from_public_bytes(public.raw)
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return line + (b" " + comment.encode() if comment else b"") + b"\n"


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return _read_checked(descriptor, path)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise KeyMaterialError(
            "key-missing", f"no key at {path}", hint="lyrikstore key list"
        ) from None
    except OSError as error:
        raise storage_error(error, f"cannot read the key {path}") from error


def _read_checked(descriptor: int, path: Path) -> bytes:
    status = os.fstat(descriptor)  # of the open file: no race with a rename
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_KEY_FILE:
        raise KeyMaterialError("key-broken", f"not a private key file: {path}")
    if status.st_mode & 0o077:
        raise KeyMaterialError(
            "lax-permissions",
            f"others may read or write the private key {path}",
            hint=f"chmod 600 {path}",
        )
    _check_directory(path.parent, forbidden=0o022)
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(MAX_KEY_FILE + 1)


def _check_directory(directory: Path, *, forbidden: int) -> None:
    mode = directory.stat().st_mode
    if mode & stat.S_ISVTX:  # sticky, as /tmp: others can add files but not replace ours
        forbidden &= ~0o022
    if mode & forbidden:
        raise KeyMaterialError(
            "lax-permissions",
            f"others may enter the key directory {directory}",
            hint=f"chmod 700 {directory}",
        )


def _make_private_directory(directory: Path) -> None:
    if directory.is_dir():
        return
    _make_private_directory(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)  # mkdir's mode passes through the umask
    sync_directory(directory.parent)
