"""The folder of a user's private keys: signing keys and log keys (spec §3.5)."""

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec import Struct

from lyrikstore.canon.errors import KeyMaterialError, StorageError
from lyrikstore.canon.text import escape_control
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.signer import KeySigner, Signer, file_uri, signer_from_uri
from lyrikstore.crypto.multikey import encode_multikey, parse_did_key, parse_multikey

if TYPE_CHECKING:
    from lyrikstore.crypto.keys.key_file import PassphraseSource, StoredKey

_LOG = "log-"  # log keys are kept next to the signing keys; nobody signs with one by hand


class KeyFolder(Struct, frozen=True):
    """The private keys of a user, as ``lyrikstore key new`` creates them; never inside a store.

    Attributes:
        path: The folder; other users must not be able to enter it.
        passphrase: Returns the passphrase of an encrypted key, given its path; without it, such
            a key is refused. Log keys have no passphrase: they sign at every commit.
        without: A log key that must no longer sign.
    """

    path: Path
    passphrase: "PassphraseSource | None" = None
    without: PublicKey | None = None

    def signer(self, name: str = "default") -> Signer:
        """Return the opened signer of a key.

        Args:
            name: Name of a key in this folder, or a signer URI (spec §3.4), such as
                ``file:/my/key``.

        Raises:
            KeyMaterialError: (``passphrase-needed``, ``passphrase-wrong``, ``lax-permissions``,
                ``key-broken``) the key cannot be used.
            StorageError: Storage backend error: disk full, read-only, I/O error.
            LyrikstoreError: As :func:`signer_from_uri` and :meth:`KeyFolder.uri`.

        Cost: about 0.5 s for a key with a passphrase (deliberately slow key derivation).
        """
        return signer_from_uri(self.uri(name), self.passphrase)

    def uri(self, name: str = "default") -> str:
        """Return the URI of the signer that :meth:`signer` opens; asks no passphrase.

        Raises:
            KeyMaterialError: (``key-missing``) there is no such key.
        """
        if ":" in name:
            return name
        path = (self.path / name).resolve()
        if not path.exists():
            raise KeyMaterialError("key-missing", f"no signing key {path}", hint=self._which())
        return file_uri(path)

    def did(self, name: str = "default") -> str | None:
        """Return the DID of a key in the folder; None if it cannot be read. Asks no passphrase.

        Args:
            name: Name of a key in this folder, or the URI of a key file.
        """
        from lyrikstore.crypto.keys.key_file import list_keys

        is_file = name.startswith("file:/")
        path = Path(unquote(name.removeprefix("file:"))) if is_file else self.path / name
        with suppress(KeyMaterialError, StorageError):
            for key in list_keys(path.parent):
                if key.name == path.name:
                    return key.did
        return None

    def all(self) -> "list[StoredKey]":
        """Return the keys in the folder by name, log keys too; asks no passphrase.

        Raises:
            StorageError: Storage backend error: disk full, read-only, I/O error.
            LyrikstoreError: As :func:`list_keys`.
        """
        from lyrikstore.crypto.keys.key_file import list_keys

        return list_keys(self.path)

    def find(self, name: str) -> "StoredKey":
        """Return the key named ``name``.

        Raises:
            KeyMaterialError: (``key-missing``) there is no such key; else as :meth:`all`.
        """
        for key in self.all():
            if key.name == name:
                return key
        raise KeyMaterialError(
            "key-missing",
            f"no key {name} in {self.path}",
            hint="to list your keys: lyrikstore key list; to create one: lyrikstore key new",
        )

    def public(self, text: str) -> PublicKey:
        """Return the public key for a did:key, a Multikey, or the name of a key in this folder.

        Raises:
            KeyMaterialError: (``bad-key``, ``weak-key``) it cannot be read; else as :meth:`find`.
        """
        if text.startswith("did:"):
            return parse_did_key(text)
        return parse_multikey(text) if text.startswith("z6Mk") else self.find(text).public

    def create(self, name: str, passphrase: bytes | None) -> "StoredKey":
        """Create a key, durably, and return it; errors are those of ``create_key``.

        Args:
            name: The file's name.
            passphrase: None writes the key unencrypted, as for the key of a machine.

        Cost: about 0.5 s with a passphrase (deliberately slow key derivation).
        """
        from lyrikstore.crypto.keys.key_file import create_key

        return create_key(self.path, name, passphrase)

    def backup(self, passphrase: Callable[[], bytes]) -> bytes:
        """Return one text with all keys, each encrypted, after a test of restoring it.

        Args:
            passphrase: Returns the passphrase of the backup; called after all keys are open.

        Raises:
            KeyMaterialError: (``key-missing``) there are no keys; (``backup-failed``) it cannot be
                restored; or a key cannot be opened.
        """
        from lyrikstore.crypto.keys.key_file import backup, load_key, restore

        stored = self.all()
        if not stored:
            raise KeyMaterialError("key-missing", "no keys to back up", hint="lyrikstore key new")
        keys = [(key.name, load_key(key.path, self.passphrase)) for key in stored]
        secret = passphrase()
        data = backup(keys, secret)
        read_back = [(name, key.public) for name, key in restore(data, secret)]
        if read_back != [(name, key.public) for name, key in keys]:
            raise KeyMaterialError("backup-failed", "the backup cannot be restored")
        return data

    def restore(self, data: bytes, passphrase: bytes) -> "tuple[list[StoredKey], list[str]]":
        """Write the keys of a backup that are not here yet, encrypted with its passphrase.

        Args:
            data: The text from :meth:`backup`.
            passphrase: The passphrase of the backup.

        Returns:
            The keys that were written, and the names of those that exist already.

        Raises:
            StorageError: Storage backend error: disk full, read-only, I/O error.
            LyrikstoreError: As :func:`restore`.
        """
        from lyrikstore.crypto.keys.key_file import restore, store_key

        known = {key.name for key in self.all()}
        written, left = [], []
        for name, private in restore(data, passphrase):
            if name in known:
                left.append(name)
                continue
            # Log keys sign at every commit and are kept unprotected, as they are made.
            secret = None if name.startswith(_LOG) else passphrase
            written.append(store_key(self.path, name, private, secret))
        return written, left

    def log_signer(self, log_keys: Collection[str]) -> Signer:
        """Return the signer of a log that this user may extend.

        Args:
            log_keys: The keys that the store's policy lists for its log, as Multikeys.

        Raises:
            KeyMaterialError: (``log-key-missing``) none of these keys is here.
        """
        from lyrikstore.crypto.keys.key_file import load_key

        for key in self.all():
            if key.public != self.without and encode_multikey(key.public) in log_keys:
                return KeySigner(load_key(key.path.resolve(), self.passphrase))
        raise KeyMaterialError(
            "log-key-missing",
            "the key of this store's log is not in your key folder: the store is read-only for you",
            hint="restore it with `lyrikstore key new --from BACKUP`",
        )

    def new_log_signer(self, tag: str, *, comment: str) -> Signer:
        """Create the key of a new log and return its signer.

        Args:
            tag: Distinguishes the log from the user's other logs.
            comment: Comment of the public line.

        Raises:
            ConflictError, KeyMaterialError, StorageError: See
                :func:`lyrikstore.crypto.keys.key_file.create_key`.
        """
        from lyrikstore.crypto.keys.key_file import create_key, load_key

        stored = create_key(self.path, f"{_LOG}{tag}", None, comment=comment)
        return KeySigner(load_key(stored.path, None))

    def _which(self) -> str:
        names = [key.name for key in self.all() if not key.name.startswith(_LOG)]
        if names:
            shown, first = escape_control(", ".join(names)), escape_control(names[0])
            return f"you have {shown}: name one with --signer {first}"
        return "make one with `lyrikstore key new`, or name one with --signer file:PATH"
