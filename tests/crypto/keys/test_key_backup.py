"""Backups of keys: restored as they were, stored with the same care, or refused."""

from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError, KeyMaterialError
from lyrikstore.crypto.keys import key_file
from lyrikstore.crypto.keys.key_file import backup, load_key, restore, store_key
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.testing.keys import key_for
from tests.crypto.keys.key_files import SECRET, mode, ssh_keygen
from tests.kinds import refused


def test_backup_and_restore():
    keys = [("ada", key_for("ada")), ("log", key_for("log"))]
    data = backup(keys, SECRET)
    assert data.startswith(b"# lyrikstore key ada\n-----BEGIN OPENSSH PRIVATE KEY-----\n")
    for _, key in keys:
        assert key.seed_for_key_file() not in data
    restored = restore(data, SECRET)
    assert [(name, key.public) for name, key in restored] == [(n, k.public) for n, k in keys]
    with pytest.raises(KeyMaterialError) as caught:
        restore(data, b"wrong")
    assert caught.value.kind == "passphrase-wrong"
    with pytest.raises(InvalidInputError):
        backup(keys, b"")


def test_restored_keys_are_stored_with_the_same_care(tmp_path):
    [(name, key)] = restore(backup([("ada", key_for("ada"))], SECRET), SECRET)
    stored = store_key(tmp_path / "keys", name, key, b"new")
    assert load_key(stored.path, lambda _: b"new").public == key_for("ada").public
    assert mode(stored.path) == 0o600


def test_broken_backups():
    one, two = backup([("ada", key_for("a"))], SECRET), backup([("bob", key_for("b"))], SECRET)
    for data in (
        b"",
        b"\n",
        b"hello",
        one[:-1],
        one[:-30],
        one[1:],
        one + b"x",
        one + b"\n" + two,
        one + one,  # one name twice
        one.replace(b"ada", b"../ada"),
        one.replace(b"ada", b"Ada"),
        one.split(b"\n", 1)[1],
    ):
        with pytest.raises(KeyMaterialError) as caught:
            restore(data, SECRET)
        assert caught.value.kind in {"backup-broken", "key-broken"}
    assert [name for name, _ in restore(one + two, SECRET)] == ["ada", "bob"]


def test_each_block_of_a_backup_is_an_openssh_key(tmp_path):
    data = backup([("ada", key_for("ada"))], SECRET)
    path = Path(tmp_path / "one")
    path.write_bytes(data.split(b"\n", 1)[1])
    path.chmod(0o600)
    assert ssh_keygen("-y", "-P", SECRET.decode(), "-f", path).returncode == 0


def test_a_folder_gives_what_it_holds_and_says_what_it_lacks(tmp_path, monkeypatch):
    folder = KeyFolder(tmp_path, lambda _: b"")
    store_key(tmp_path, "ada", key_for("ada"), None)
    with refused("log-key-missing"):
        folder.log_signer({encode_multikey(key_for("bob").public)})
    monkeypatch.setattr(key_file, "restore", lambda *_: [("ada", key_for("bob"))])
    with refused("backup-failed"):
        folder.backup(lambda: SECRET)
