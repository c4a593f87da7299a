"""A store behind OpenSSH's server: who is let in, what a crash leaves, what a broken line does."""

import contextlib
import hashlib
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lyrikstore.canon.errors import NotFoundError, RemoteError
from lyrikstore.objects.backends.open import Abilities, Retry, open_backend, probe
from lyrikstore.objects.backends.sftp_channel import SftpChannel

pytestmark = pytest.mark.sftp


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def remote(sshd, folder, tmp_path, retry):
    backend = sshd.backend(folder, tmp_path, retry)
    yield backend
    backend.close()


def test_files_are_plain_files_on_the_other_side(remote, folder):
    remote.create("packs/ab/x", b"content")
    assert (folder / "packs/ab/x").read_bytes() == b"content"
    assert (folder / "packs/ab/x").stat().st_mode & 0o777 == 0o444
    assert list((folder / "tmp").iterdir()) == []


def test_two_connections_have_one_winner(sshd, folder, tmp_path):
    backends = [sshd.backend(folder, tmp_path) for _ in range(3)]
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda n: backends[n % 3].create("tx/slot", b"%d" % n), range(32)))
    for backend in backends:
        backend.close()
    assert won.count(True) == 1
    assert (folder / "tx/slot").read_bytes() == b"%d" % won.index(True)
    assert list((folder / "tmp").iterdir()) == []


def test_an_unknown_host_is_refused(sshd, folder, tmp_path, retry, waits):
    (tmp_path / "none").write_text("")
    options = sshd.options | {"known-hosts": str(tmp_path / "none")}
    remote = open_backend(sshd.url(folder), scratch=tmp_path, options=options, retry=retry)
    with pytest.raises(RemoteError, match="known_hosts") as caught:
        remote.read("format")
    assert caught.value.kind == "remote-denied"
    assert waits == []


def test_a_changed_host_key_is_refused(sshd, folder, tmp_path, retry):
    other = (sshd.identity.parent / "user.pub").read_text().split()
    (tmp_path / "known").write_text(f"[127.0.0.1]:{sshd.port} {other[0]} {other[1]}\n")
    options = sshd.options | {"known-hosts": str(tmp_path / "known")}
    remote = open_backend(sshd.url(folder), scratch=tmp_path, options=options, retry=retry)
    with pytest.raises(RemoteError, match="host key") as caught:
        remote.read("format")
    assert caught.value.kind == "remote-denied"


def test_a_wrong_key_is_refused(sshd, folder, tmp_path, retry, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    options = sshd.options | {"identity": str(sshd.identity.parent / "host")}
    remote = open_backend(sshd.url(folder), scratch=tmp_path, options=options, retry=retry)
    with pytest.raises(RemoteError) as caught:
        remote.read("format")
    assert caught.value.kind == "remote-denied"


def test_nobody_listens(tmp_path, retry, waits):
    remote = open_backend("sftp://127.0.0.1:9/x", scratch=tmp_path, retry=retry)
    with pytest.raises(RemoteError) as caught:
        remote.read("format")
    assert caught.value.kind == "remote-unreachable"
    assert len(waits) == 4


def test_a_user_without_name_or_home_names_another(tmp_path, retry, monkeypatch):
    # As in a container, whose user is a number: neither has a name nor a home folder there.
    def nobody(*_):
        raise KeyError("getpwuid(): uid not found: 12345")

    def homeless(*_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr(Path, "expanduser", homeless)
    remote = open_backend("sftp://127.0.0.1:9/x", scratch=tmp_path, retry=retry)
    with pytest.raises(RemoteError) as caught:
        remote.read("format")
    assert caught.value.kind == "remote-denied"
    assert "sftp://USER@" in caught.value.hint
    named = open_backend("sftp://ada@127.0.0.1:9/x", scratch=tmp_path, retry=retry)
    with pytest.raises(RemoteError) as caught:
        named.read("format")
    assert caught.value.kind == "remote-unreachable"


def test_a_folder_that_cannot_be_made_is_named(sshd, tmp_path, retry):
    remote = sshd.backend(tmp_path / "no/such/folder", tmp_path, retry)
    with pytest.raises(RemoteError) as caught:
        remote.create("tx/1", b"x")
    remote.close()
    assert caught.value.kind == "remote-missing"
    assert not (tmp_path / "no").exists()


def test_a_broken_line_is_mended(sshd, remote):
    remote.create("packs/x", b"x" * 100_000)
    for _ in range(3):
        sshd.drop_sessions()
        assert remote.read("packs/x") == b"x" * 100_000
    sshd.drop_sessions()
    assert remote.create("tx/1", b"x")


def lose_first_answer(monkeypatch, method, effect):
    """Break the connection at the first such request, after it had its effect or before."""
    real, calls = getattr(SftpChannel, method), []

    def rename(self, old, new):
        calls.append(new)
        if len(calls) > 1:
            return real(self, old, new)
        if effect:
            real(self, old, new)
        raise EOFError

    monkeypatch.setattr(SftpChannel, method, rename)


@pytest.mark.parametrize("effect", [True, False])
def test_a_lost_answer_is_distinguished_from_a_lost_race(remote, monkeypatch, effect):
    lose_first_answer(monkeypatch, "rename", effect)
    assert remote.create("tx/1", b"mine")
    assert remote.read("tx/1") == b"mine"
    assert not remote.create("tx/1", b"theirs")


def test_a_full_disk_is_reported_and_nothing_is_half_there(sshd, tmp_path, retry):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)])
    if mounted.returncode:
        pytest.skip("a small file system needs root")
    remote = sshd.backend(small / "store", tmp_path, retry)
    try:
        with pytest.raises(RemoteError, match="full"):
            remote.create("packs/x", b"x" * 3_000_000)
        assert remote.size("packs/x") is None
        assert list((small / "store/tmp").iterdir()) == []
        assert remote.create("packs/x", b"x" * 300_000)
    finally:
        remote.close()
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_what_dead_writers_left_is_removed_after_a_week(sshd, folder, tmp_path):
    (folder / "tmp").mkdir(parents=True)
    for name, age in (("old", 8 * 86_400), ("new", 86_400)):
        (folder / "tmp" / name).write_bytes(b"half a pack")
        then = (folder / "tmp" / name).stat().st_mtime - age
        os.utime(folder / "tmp" / name, (then, then))
    remote = sshd.backend(folder, tmp_path, Retry())
    remote.create("tx/1", b"x")
    remote.close()
    assert [path.name for path in (folder / "tmp").iterdir()] == ["new"]


def test_a_fifo_in_place_of_a_file_is_not_waited_for(remote, folder, waits):
    remote.create("tx/1", b"x")
    os.mkfifo(folder / "tx/2")
    with pytest.raises(RemoteError, match="not a regular file"):
        remote.read("tx/2")
    assert waits == []


def test_links_and_folders_are_not_files(remote, folder, tmp_path):
    remote.create("tx/1", b"x")
    (tmp_path / "secret").write_text("secret")
    (folder / "tx/link").symlink_to(tmp_path / "secret")
    (folder / "tx/folder").mkdir()
    assert list(remote.list("tx/")) == ["tx/1"]
    for name in ("tx/link", "tx/folder"):
        with pytest.raises(RemoteError):
            remote.size(name)
    with pytest.raises(NotFoundError):
        remote.read("tx/none")


def test_the_server_is_probed(remote, folder):
    assert probe(remote) == Abilities(writable=True, creates=True, swaps=True)
    assert list((folder / "tmp").iterdir()) == []


def test_a_large_pack_comes_whole(remote, tmp_path):
    """paramiko's own pipelined reads take minutes at this size."""
    path = tmp_path / "pack"
    path.write_bytes(hashlib.shake_128(b"pack").digest(64 << 20))
    assert remote.create("packs/x", path)
    assert remote.read("packs/x") == path.read_bytes()


def test_a_server_that_gives_less_than_was_asked_for(remote, monkeypatch):
    data = hashlib.shake_128(b"short").digest(300_001)
    remote.create("packs/x", data)
    from paramiko.sftp import CMD_READ

    real = SftpChannel._async_request

    def less(self, fileobj, kind, *arguments):
        if kind == CMD_READ:
            arguments = (*arguments[:-1], max(1, arguments[-1] - 1000))
        return real(self, fileobj, kind, *arguments)

    monkeypatch.setattr(SftpChannel, "_async_request", less)
    assert remote.read("packs/x") == data


def test_a_writer_that_died_in_its_turn_holds_others_up_for_a_while(
    remote, folder, monkeypatch, waits
):
    monkeypatch.setattr("lyrikstore.objects.backends.sftp._DEAD", 0.3)
    remote.create("log/checkpoint", b"one")
    remote.create("tmp/turn-log-checkpoint", b"somebody who died")
    began = time.monotonic()
    assert remote.swap("log/checkpoint", b"one", b"two")
    assert time.monotonic() - began >= 0.3
    assert remote.read("log/checkpoint") == b"two"
    assert list((folder / "tmp").iterdir()) == []
    assert waits == []


def test_a_writer_taken_for_dead_does_not_replace(sshd, remote, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("lyrikstore.objects.backends.sftp._DEAD", 0.1)
    remote.create("log/checkpoint", b"one")
    other = sshd.backend(folder, tmp_path / "other")
    real = type(remote)._uploaded

    @contextlib.contextmanager
    def slow(self, sftp, name, source):
        with real(self, sftp, name, source) as temporary:
            if source == b"two":
                monkeypatch.setattr(type(remote), "_uploaded", real)
                assert other.swap("log/checkpoint", b"one", b"three")
            yield temporary

    monkeypatch.setattr(type(remote), "_uploaded", slow)
    assert not remote.swap("log/checkpoint", b"one", b"two")
    other.close()
    assert remote.read("log/checkpoint") == b"three"
    assert list((folder / "tmp").iterdir()) == []


def test_a_turn_that_lasts_too_long_is_given_up(remote, folder, monkeypatch, waits):
    monkeypatch.setattr("lyrikstore.objects.backends.sftp._LEASE", 0.0)
    remote.create("log/checkpoint", b"one")
    with pytest.raises(RemoteError, match="turn"):
        remote.swap("log/checkpoint", b"one", b"two")
    assert len(waits) == 4
    assert remote.read("log/checkpoint") == b"one"
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("effect", [True, False])
def test_a_lost_answer_of_a_swap(remote, folder, monkeypatch, effect):
    remote.create("log/checkpoint", b"one")
    lose_first_answer(monkeypatch, "posix_rename", effect)
    assert remote.swap("log/checkpoint", b"one", b"two")
    assert remote.read("log/checkpoint") == b"two"
    assert list((folder / "tmp").iterdir()) == []


def test_nothing_is_written_or_deleted_through_a_link(sshd, remote, folder, tmp_path, retry):
    victim = tmp_path / "victim"
    (victim / "ab").mkdir(parents=True)
    old = victim / "old"
    old.write_text("kept")
    os.utime(old, (0, 0))
    remote.create("tx/0", b"x")
    for link in ("packs", "log", "tmp"):
        place = folder / link
        if place.exists():
            place.rename(folder / f"{link}-aside")
        place.symlink_to(victim)
        acts = [("replace", f"{link}/old", b"x"), ("create", f"{link}/ab/new", b"x")]
        acts += [("create", f"{link}/new", b"x"), ("remove", f"{link}/old")]
        for act, name, *content in acts if link != "tmp" else [("replace", "tx/1", b"x")]:
            with contextlib.closing(sshd.backend(folder, tmp_path, retry)) as again:
                with pytest.raises(RemoteError, match=f"{link}: it is a link") as caught:
                    getattr(again, act)(name, *content)
                assert caught.value.kind == "linked-folder"
        place.unlink()
    assert sorted(path.name for path in victim.rglob("*")) == ["ab", "old"]
    assert old.read_text() == "kept"
