"""Keys on disk: modes under any umask, passphrases, what others can read, OpenSSH's opinion."""

import os
import secrets
import stat
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyrikstore.canon.errors import ConflictError, InvalidInputError, KeyMaterialError, StorageError
from lyrikstore.crypto.keys.key_file import (
    MAX_PASSPHRASE,
    create_key,
    list_keys,
    load_key,
    store_key,
)
from lyrikstore.crypto.multikey import did_key
from lyrikstore.testing.keys import key_for
from tests.crypto.keys.key_files import SECRET, ask, mode, never, ssh_keygen
from tests.kinds import refused
from tests.sweep import examples


def test_create_and_load(tmp_path):
    stored = create_key(tmp_path / "keys", "ada", None, "ada@example.org")
    key = load_key(stored.path, never)
    assert key.public == stored.public
    assert stored.did == did_key(key.public)
    assert stored.encrypted is False
    assert stored.path == tmp_path / "keys" / "ada"
    line = (tmp_path / "keys" / "ada.pub").read_text()
    assert line.startswith("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5")
    assert line.endswith(" ada@example.org\n")
    assert load_key(stored.path, None).public == key.public


def test_create_and_load_with_passphrase(tmp_path, real_cost):
    stored = create_key(tmp_path / "keys", "ada", SECRET)
    assert stored.encrypted
    assert load_key(stored.path, ask).public == stored.public
    assert b"bcrypt" in __import__("base64").b64decode(
        b"".join(stored.path.read_bytes().splitlines()[1:-1])
    )


@pytest.mark.parametrize("passphrase", [None, SECRET])
def test_openssh_reads_our_keys(tmp_path, passphrase):
    stored = create_key(tmp_path / "keys", "ada", passphrase, "c")
    done = ssh_keygen("-y", "-P", (passphrase or b"").decode(), "-f", stored.path)
    assert done.returncode == 0, done.stderr
    expected = (tmp_path / "keys" / "ada.pub").read_text().split()
    assert done.stdout.split()[:2] == expected[:2]


def test_openssh_refuses_our_key_with_the_wrong_passphrase(tmp_path):
    stored = create_key(tmp_path / "keys", "ada", SECRET)
    assert ssh_keygen("-y", "-P", "wrong", "-f", stored.path).returncode != 0


@pytest.mark.parametrize("passphrase", ["", "a passphrase"])
def test_we_read_openssh_keys(tmp_path, passphrase):
    tmp_path.chmod(0o700)
    path = tmp_path / "theirs"
    done = ssh_keygen("-q", "-t", "ed25519", "-N", passphrase, "-C", "x", "-f", path)
    assert done.returncode == 0, done.stderr
    key = load_key(path, lambda _: passphrase.encode())
    [listed] = list_keys(tmp_path)
    assert listed.public == key.public
    assert listed.encrypted == bool(passphrase)
    message = tmp_path / "m"
    message.write_bytes(b"message")
    done = ssh_keygen("-Y", "sign", "-n", "x", "-P", passphrase, "-f", path, message)
    assert done.returncode == 0, done.stderr


def test_other_key_types_are_refused(tmp_path):
    for kind in ("ecdsa", "rsa"):
        path = tmp_path / kind
        assert ssh_keygen("-q", "-t", kind, "-N", "", "-f", path).returncode == 0
        with pytest.raises(KeyMaterialError) as caught:
            load_key(path, None)
        assert caught.value.kind == "key-broken"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_modes_under_any_umask(tmp_path, umask):
    old = os.umask(umask)
    try:
        create_key(tmp_path / "new" / "deep" / "keys", "ada", None)
    finally:
        os.umask(old)
    assert mode(tmp_path / "new" / "deep" / "keys") == 0o700
    assert mode(tmp_path / "new" / "deep") == 0o700
    assert mode(tmp_path / "new" / "deep" / "keys" / "ada") == 0o600
    assert mode(tmp_path / "new" / "deep" / "keys" / "ada.pub") == 0o644


def test_the_file_is_never_readable_by_others_even_for_a_moment(tmp_path, monkeypatch):
    seen = []
    real = os.fchmod

    def watch(descriptor, wanted):
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        real(descriptor, wanted)

    monkeypatch.setattr(os, "fchmod", watch)
    old = os.umask(0)
    try:
        create_key(tmp_path / "keys", "ada", None)
    finally:
        os.umask(old)
    assert seen == [0o600, 0o600]


@pytest.mark.parametrize("lax", [0o640, 0o604, 0o660, 0o620, 0o602, 0o601, 0o644, 0o777])
def test_lax_files_are_refused(tmp_path, lax):
    stored = create_key(tmp_path / "keys", "ada", SECRET)
    stored.path.chmod(lax)
    for use in (lambda: load_key(stored.path, never), lambda: list_keys(tmp_path / "keys")):
        with pytest.raises(KeyMaterialError) as caught:
            use()
        assert caught.value.kind == "lax-permissions"
        assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("lax", [0o720, 0o702, 0o722, 0o777])
def test_replaceable_files_are_refused(tmp_path, lax):
    stored = create_key(tmp_path / "keys", "ada", None)
    (tmp_path / "keys").chmod(lax)
    with pytest.raises(KeyMaterialError) as caught:
        load_key(stored.path, None)
    assert caught.value.kind == "lax-permissions"
    assert "chmod 700" in caught.value.hint


@pytest.mark.parametrize("lax", [0o755, 0o750, 0o701, 0o777])
def test_new_keys_need_a_private_directory(tmp_path, lax):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys").chmod(lax)
    with pytest.raises(KeyMaterialError) as caught:
        create_key(tmp_path / "keys", "ada", None)
    assert caught.value.kind == "lax-permissions"
    assert list((tmp_path / "keys").iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    stored = create_key(tmp_path / "keys", "ada", None)
    before = stored.path.read_bytes()
    with pytest.raises(ConflictError) as caught:
        create_key(tmp_path / "keys", "ada", None)
    assert caught.value.kind == "key-exists"
    assert stored.path.read_bytes() == before
    stored.path.unlink()  # only the public line is left: still nothing is overwritten
    with pytest.raises(ConflictError):
        create_key(tmp_path / "keys", "ada", None)
    assert sorted(p.name for p in (tmp_path / "keys").iterdir()) == ["ada.pub"]


def test_links_are_not_followed_when_writing(tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    (keys / "ada").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConflictError):
        create_key(keys, "ada", None)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError) as caught:
        create_key(tmp_path / "keys", "ada", None)
    assert caught.value.kind == "disk-full"
    assert list((tmp_path / "keys").iterdir()) == []


def test_wrong_passphrase(tmp_path):
    stored = create_key(tmp_path / "keys", "ada", SECRET)
    for wrong in (b"", b"wrong", SECRET + b" ", SECRET[:-1], "é".encode(), bytes(2000)):
        with pytest.raises(KeyMaterialError) as caught:
            load_key(stored.path, lambda _, wrong=wrong: wrong)
        assert caught.value.kind == "passphrase-wrong"
    with pytest.raises(KeyMaterialError) as caught:
        load_key(stored.path, None)
    assert caught.value.kind == "passphrase-needed"


@pytest.mark.parametrize("passphrase", [b"x", "pässwörd 😂".encode(), b"\0\xff", b"x" * 1000])
def test_any_passphrase_works(tmp_path, passphrase):
    stored = create_key(tmp_path / "keys", "ada", passphrase)
    assert load_key(stored.path, lambda _: passphrase).public == stored.public


def test_empty_passphrase_is_not_no_passphrase(tmp_path):
    with pytest.raises(InvalidInputError) as caught:
        create_key(tmp_path / "keys", "ada", b"")
    assert caught.value.kind == "empty-passphrase"
    assert not (tmp_path / "keys").exists()


def test_nothing_secret_in_exceptions(tmp_path):
    key = key_for("ada")
    seed = key.seed_for_key_file()
    right, wrong = secrets.token_hex(16).encode(), secrets.token_hex(16).encode()
    path = store_key(tmp_path / "keys", "ada", key, right).path
    text = repr(list_keys(tmp_path / "keys")) + repr(key)
    for source in (None, lambda _: wrong):
        with pytest.raises(KeyMaterialError) as caught:
            load_key(path, source)
        error = caught.value
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None
        text += "".join(traceback.format_exception(error)) + repr(error) + repr(error.details)
    for secret in (right.decode(), wrong.decode(), seed.hex(), repr(seed)):
        assert secret not in text


def test_missing_and_malformed_files(tmp_path):
    tmp_path.chmod(0o700)
    with pytest.raises(KeyMaterialError) as caught:
        load_key(tmp_path / "none", None)
    assert caught.value.kind == "key-missing"
    os.mkfifo(tmp_path / "fifo", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "big").write_bytes(b"x" * (1 << 17))
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_bytes(b"hello\n")
    for name in ("fifo", "folder", "big", "empty", "text"):
        (tmp_path / name).chmod(0o700 if name == "folder" else 0o600)
        with pytest.raises(KeyMaterialError) as caught:
            load_key(tmp_path / name, None)
        assert caught.value.kind == "key-broken", name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "../a", "/etc/x", "Ada", "-a", "a b", "a\n", "a.pub", "é", "a" * 65],
)
def test_bad_names(tmp_path, name):
    with pytest.raises(InvalidInputError) as caught:
        create_key(tmp_path / "keys", name, None)
    assert caught.value.kind == "bad-key-name"
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("comment", ["a\nssh-ed25519 AAAA", "a\0", "a\x1b[31m", "x" * 201])
def test_bad_comments(tmp_path, comment):
    with refused("bad-comment"):
        create_key(tmp_path / "keys", "ada", None, comment)


def test_a_passphrase_has_a_length(tmp_path):
    for length, kind in ((0, "empty-passphrase"), (MAX_PASSPHRASE + 1, "long-passphrase")):
        with refused(kind):
            create_key(tmp_path / "keys", "ada", b"x" * length)


def test_list(tmp_path):
    keys = tmp_path / "keys"
    assert list_keys(keys) == []
    bob = create_key(keys, "bob", None)
    ada = create_key(keys, "ada", SECRET)
    (keys / "folder").mkdir()
    (keys / "known_Hosts").write_text("x")
    assert list_keys(keys) == [ada, bob]


def test_a_swapped_public_half_is_noticed(tmp_path):
    import base64

    one, two = key_for("one"), key_for("two")
    path = store_key(tmp_path / "keys", "one", one, None).path
    lines = path.read_bytes().splitlines()
    blob = base64.b64decode(b"".join(lines[1:-1]))
    place = blob.index(one.public.raw)  # the clear copy, which `key list` shows
    blob = blob[:place] + two.public.raw + blob[place + 32 :]
    path.write_bytes(lines[0] + b"\n" + base64.encodebytes(blob) + lines[-1] + b"\n")
    with pytest.raises(KeyMaterialError) as caught:
        load_key(path, None)
    assert caught.value.kind == "key-broken"


def test_a_file_that_demands_days_is_refused(tmp_path):
    import base64

    path = create_key(tmp_path / "keys", "ada", SECRET).path
    lines = path.read_bytes().splitlines()
    blob = bytearray(base64.b64decode(b"".join(lines[1:-1])))
    place = blob.index(b"bcrypt") + 6 + 4 + 4 + 16
    assert blob[place : place + 4] == b"\0\0\0\1"
    blob[place : place + 4] = b"\x7f\xff\xff\xff"
    path.write_bytes(lines[0] + b"\n" + base64.encodebytes(blob) + lines[-1] + b"\n")
    with pytest.raises(KeyMaterialError) as caught:
        load_key(path, never)
    assert caught.value.kind == "key-broken"


@settings(max_examples=examples(150))
@given(st.data())
def test_any_damage_gives_the_same_key_or_an_error(tmp_path_factory, data):
    keys = tmp_path_factory.mktemp("damage") / "keys"
    key = key_for("ada")
    path = store_key(keys, "ada", key, None).path
    text = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(text) if data.draw(st.booleans()) else bytes(text[:place]))
    try:
        loaded = load_key(path, ask)
    except KeyMaterialError:
        return
    assert loaded.public == key.public
