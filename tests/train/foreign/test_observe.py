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


def test_connections(observer) -> None:
    found = see(
        observer,
        "7 connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(443), "
        'sin_addr=inet_addr("192.0.2.1")}, 16) = -1 EINPROGRESS (Operation now in progress)',
        '7 sendto(3<UDP>, "x", 1, 0, {sa_family=AF_INET6, sin6_port=htons(53), '
        'sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), '
        "sin6_scope_id=0}, 28) = 1",
        '7 connect(3<UNIX-STREAM>, {sa_family=AF_UNIX, sun_path="/srv/docker.sock"}, 20) = 0',
        '7 connect(3<UNIX-STREAM>, {sa_family=AF_UNIX, sun_path="/srv/nscd"}, 20) = -1 ENOENT (x)',
    )
    assert found.connections == (
        "192.0.2.1 port 443",
        "2001:db8::1 port 53",
        "socket /srv/docker.sock",
    )


IP4 = '{{sa_family=AF_INET, sin_port=htons({}), sin_addr=inet_addr("{}")}}'
IP6 = (
    "{{sa_family=AF_INET6, sin6_port=htons({}), sin6_flowinfo=htonl(0), "
    'inet_pton(AF_INET6, "{}", &sin6_addr), sin6_scope_id=0}}'
)
HERE = '{{sa_family=AF_UNIX, sun_path={}"{}"}}'


def listen(inode: int, wanted: str, given: str = "", *, only_6: bool = False) -> list[str]:
    """Return what strace says of a socket that listens, at the port that it is given."""
    at = f"3<socket:[{inode}]>"
    return [
        *([f"7 setsockopt({at}, SOL_IPV6, IPV6_V6ONLY, [1], 4) = 0"] if only_6 else ()),
        f"7 bind({at}, {wanted}, 28) = 0",
        f"7 listen({at}, 128) = 0",
        *([f"7 getsockname({at}, {given}, [128 => 28]) = 0"] if given else ()),
    ]


def connect(where: str) -> str:
    return f"8 connect(3<socket:[99]>, {where}, 28) = -1 EINPROGRESS (Operation now in progress)"


def test_processes_of_one_command_talk_to_each_other(observer) -> None:
    found = see(
        observer,
        connect(IP4.format(29500, "127.0.0.1")),  # before anybody listens there
        *listen(1, IP6.format(0, "::"), IP6.format(40000, "::")),
        *listen(2, IP4.format(0, "127.0.0.1"), IP4.format(40001, "127.0.0.1")),
        *listen(3, IP4.format(29500, "0.0.0.0")),
        *listen(4, HERE.format("", "/tmp/x/listener")),
        *listen(5, HERE.format("@", "name")),
        *(connect(IP6.format(40000, host)) for host in ("::1", "::ffff:127.0.0.1")),
        connect(IP4.format(40000, "127.0.0.1")),
        connect(IP4.format(40001, "127.0.0.1")),
        "8 connect(3<socket:[9]>, " + HERE.format("", "/tmp/x/listener") + ", 20) = 0",
        "8 connect(3<socket:[9]>, " + HERE.format("@", "name") + ", 20) = 0",
    )
    assert found.connections == ()


def test_what_another_program_listens_at_is_no_own_process(observer) -> None:
    found = see(
        observer,
        # Another machine, with the port of an own socket.
        *listen(1, IP4.format(40000, "0.0.0.0")),
        connect(IP4.format(40000, "192.0.2.1")),
        # Of the other family, of another address, of another port.
        *listen(2, IP6.format(40001, "::"), only_6=True),
        connect(IP4.format(40001, "127.0.0.1")),
        *listen(3, IP4.format(40002, "127.0.0.1")),
        connect(IP4.format(40002, "127.0.0.2")),
        connect(IP4.format(40003, "127.0.0.1")),
        connect(IP6.format(40002, "::1")),
        # Bound and connected, but it does not listen; it could not listen.
        f"7 getsockname(3<socket:[4]>, {IP4.format(40004, '127.0.0.1')}, [128 => 16]) = 0",
        connect(IP4.format(40004, "127.0.0.1")),
        f"7 bind(3<socket:[5]>, {IP4.format(40005, '127.0.0.1')}, 16) = -1 EADDRINUSE (x)",
        "7 listen(3<socket:[5]>, 128) = -1 EADDRINUSE (x)",
        connect(IP4.format(40005, "127.0.0.1")),
        # A path says nothing without the folder, and is no name.
        *listen(6, HERE.format("", "listener")),
        *listen(7, HERE.format("", "/srv/name")),
        "8 connect(3<socket:[9]>, " + HERE.format("", "listener") + ", 20) = 0",
        "8 connect(3<socket:[9]>, " + HERE.format("@", "/srv/name") + ", 20) = 0",
    )
    assert found.connections == (
        *("127.0.0.1 port 40001", "127.0.0.1 port 40003", "127.0.0.1 port 40004"),
        *("127.0.0.1 port 40005", "127.0.0.2 port 40002", "192.0.2.1 port 40000"),
        *("::1 port 40002", "socket /srv/name", "socket listener"),
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
