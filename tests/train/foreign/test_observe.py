"""What strace says, as it says it."""

import os
import threading
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode, parse
from lyrikstore.train.foreign.observe import MAX_LISTED, Observation, Observer
from lyrikstore.train.foreign.repository import CallerRepository
from lyrikstore.train.worker.staging import open_staging

pytestmark = pytest.mark.disk  # of what is read below /dev nothing is noted


@pytest.fixture
def observer(tmp_path: Path):
    repository = tmp_path / "home" / "repository"
    repository.mkdir(parents=True)
    (tmp_path / "home" / "data.txt").write_text("data")
    (tmp_path / "store").mkdir()
    known = CallerRepository(repository, "0" * 40, None, frozenset({"train.py"}))
    with (
        open_staging(tmp_path / "store") as staging,
        Observer(staging, repository, known, tmp_path / "home") as made,
    ):
        yield made


def see(observer: Observer, *lines: str) -> Observation:
    pipe = observer.before[observer.before.index("-o") + 1]
    with open(pipe, "wb", buffering=0) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    observer.take()
    return observer.found()


def test_files(observer, tmp_path) -> None:
    home = tmp_path / "home"
    staging = Path(observer.before[observer.before.index("-o") + 1]).parent
    found = see(
        observer,
        f'7 openat(AT_FDCWD<{home}>, "data.txt", O_RDONLY|O_CLOEXEC) = 3<{home}/data.txt>',
        f'7 openat(AT_FDCWD<{home}>, "gone.txt", O_RDONLY) = -1 ENOENT (No such file or directory)',
        f'7 openat(AT_FDCWD<{home}>, "repository", O_RDONLY|O_DIRECTORY) = 3<{home}/repository>',
        f'7 openat(AT_FDCWD<{home}>, "x", O_RDONLY) = 3<{home}/repository/train.py>',
        f'7 openat(AT_FDCWD<{home}>, "x", O_RDONLY) = 3<{home}/repository/ignored.txt>',
        f'7 openat(AT_FDCWD<{home}>, "x", O_RDONLY) = 3<{staging}/input/rows.jsonl>',
        f'7 openat(AT_FDCWD<{home}>, "x", O_RDWR|O_CREAT, 0666) = 3<{staging}/output/a.txt>',
        '7 openat(AT_FDCWD</>, "/etc/hosts", O_RDONLY) = 3</etc/hosts>',
        '7 openat(AT_FDCWD</>, "x", O_RDONLY) = 3</opt/v/lib/python3.11/site-packages/a/b.py>',
        '7 openat(AT_FDCWD</>, "x", O_RDONLY) = 3</opt/v/lib/libx.so.1.2>',
        '7 openat(AT_FDCWD</>, "/dev/null", O_WRONLY) = 3</dev/null>',
        '7 openat(AT_FDCWD</>, "x", O_WRONLY|O_CREAT) = 3</srv/\\303\\234.txt>',
        '7 creat("/srv/made", 0666) = 3</srv/made>',
        '7 rename("old", "/srv/new") = 0',
        '7 unlinkat(AT_FDCWD</srv>, "gone", 0) = 0',
        '7 mkdir("/srv/folder", 0777 <unfinished ...>',
        '8 openat(AT_FDCWD</>, "/srv/later", O_RDONLY <unfinished ...>',
        "7 <... mkdir resumed>) = 0",
        "8 <... openat resumed>) = 4</srv/later>",
        '8 execve("/srv/program", ["program"], 0x7ffe /* 3 vars */) = 0',
        "this is no line of a trace",
    )
    assert set(found.reads) == {
        *("~/data.txt", "repository/ignored.txt", "/srv/later", "/srv/program"),
    }
    assert found.reads["~/data.txt"] == Digest.of(b"data")
    assert found.reads["/srv/later"] is None
    assert found.repository == ("train.py",)
    assert set(found.writes) == {
        *("/srv/Ü.txt", "/srv/made", "/srv/new", "/srv/gone", "/srv/folder", "repository/old"),
    }


def test_connections(observer, tmp_path) -> None:
    found = see(
        observer,
        "7 connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(443), "
        'sin_addr=inet_addr("192.0.2.1")}, 16) = -1 EINPROGRESS (Operation now in progress)',
        '7 sendto(3<UDP>, "x", 1, 0, {sa_family=AF_INET6, sin6_port=htons(53), '
        'sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), '
        "sin6_scope_id=0}, 28) = 1",
        '7 connect(3<UNIX-STREAM>, {sa_family=AF_UNIX, sun_path="/srv/docker.sock"}, 20) = 0',
        '7 connect(3<UNIX-STREAM>, {sa_family=AF_UNIX, sun_path="/srv/nscd"}, 20) = -1 ENOENT (x)',
        f'7 connect(3<UNIX-STREAM>, {{sa_family=AF_UNIX, sun_path="{tmp_path}/home/s"}}, 20) = 0',
        # ATTACK: it listens where somebody else's server is reached, so that nothing seems to be.
        "7 bind(4<socket:[5]>, {sa_family=AF_INET, sin_port=htons(53), "
        'sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
        "7 listen(4<socket:[5]>, 1) = 0",
        '7 sendto(3<UDP>, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(53), '
        'sin_addr=inet_addr("127.0.0.1")}, 16) = 1',
        '7 sendto(3<UDP>, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(5353), '
        'sin_addr=inet_addr("224.0.0.251")}, 16) = 1',
    )
    assert found.connections == (
        "127.0.0.1 port 53",
        "192.0.2.1 port 443",
        "2001:db8::1 port 53",
        "224.0.0.251 port 5353",
        "socket /srv/docker.sock",
        "socket ~/s",
    )


def test_lists_are_cut_and_counted() -> None:
    many = tuple(f"/srv/{number:05}" for number in range(MAX_LISTED + 5))
    found = Observation(dict.fromkeys(many), many, many, many)
    document = parse(found.encode())
    assert {len(document[name]) for name in ("reads", "repository", "writes", "connections")} == {
        MAX_LISTED
    }
    assert set(found.counts().values()) == {MAX_LISTED + 5}
    assert encode(document) == found.encode()


def test_a_trace_in_pieces(observer) -> None:
    pipe = observer.before[observer.before.index("-o") + 1]
    line = b'7 openat(AT_FDCWD</>, "x", O_RDONLY) = 3</srv/file-%d>\n'
    data = b"".join(line % number for number in range(4000))

    def write() -> None:
        with open(pipe, "wb", buffering=0) as file:
            file.writelines(data[at : at + 1000] for at in range(0, len(data), 1000))

    thread = threading.Thread(target=write)
    thread.start()
    while thread.is_alive():
        observer.take()
    observer.take()
    assert len(observer.found().reads) == 4000
    assert os.path.exists(pipe)
