"""Confinement of a process that runs foreign SQL: files, network, processes, memory.

DuckDB's own switches are not a security boundary, as its documentation states; those of the kernel
are. Each is requested, then tested: the answer states the tested boundaries, not the requested
ones. Only Linux has them; elsewhere the answer states that only the switches of DuckDB are active.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from collections.abc import Callable
from pathlib import Path

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # equal on all architectures
_READ_FILE = 1 << 2
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SIGKILL = 9

# (x86_64, aarch64); None where the architecture has no such call.
_SECCOMP_NUMBERS = {"x86_64": 317, "aarch64": 277}
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED_CALLS: dict[str, tuple[int | None, int | None]] = {
    # network
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206),
    "sendmsg": (46, 211), "sendmmsg": (307, 269), "recvmsg": (47, 212),
    # other programs and processes
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kill": (62, 129), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    # kernel interfaces that have been ways out of sandboxes
    "open_by_handle_at": (304, 265), "mount": (165, 40), "umount2": (166, 39),
    "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280), "perf_event_open": (298, 241),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "userfaultfd": (323, 282), "chroot": (161, 51), "pivot_root": (155, 41),
    # changes to files
    "creat": (85, None), "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None),
    "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, None), "mkdirat": (258, 34),
    "rmdir": (84, None), "link": (86, None), "linkat": (265, 37), "symlink": (88, None),
    "symlinkat": (266, 36), "mknod": (133, None), "mknodat": (259, 33), "chmod": (90, None),
    "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "truncate": (76, 45),
    "ftruncate": (77, 46), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "utimensat": (280, 88), "memfd_create": (319, 279),
}  # fmt: skip
_OPEN: tuple[int | None, int] = (2, -1)
_OPENAT = (257, 56)
_CLONE = (56, 220)
_UNKNOWN_CALLS = {"clone3": (435, 435), "openat2": (437, 437)}  # answer ENOSYS: libc falls back
_CLONE_THREAD = 0x00010000
_OPEN_FOR_CHANGE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit(*, memory_bytes: int, cpu_seconds: int, open_files: int) -> None:
    """Limit the resources of this process, so that a large query fails and the machine does not.

    Args:
        memory_bytes: Address space besides the present one.
        cpu_seconds: CPU time; the kernel kills the process two seconds after it is used up.
        open_files: Highest number of open files.
    """
    _lower(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 2)
    _lower(resource.RLIMIT_FSIZE, 0, 0)
    _lower(resource.RLIMIT_CORE, 0, 0)
    _lower(resource.RLIMIT_NOFILE, open_files, open_files)
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        total = pages * resource.getpagesize() + memory_bytes
        _lower(resource.RLIMIT_AS, total, total)


def close_inherited() -> None:
    """Close every file this process inherited, except standard input, output and error."""
    os.closerange(3, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 16))


def confine(readable: Path) -> dict[str, str]:
    """Give up access to all files but ``readable``, to sockets, writes and child processes.

    Irreversible. Must run while the process has one thread: the kernel confines the calling
    thread and those it starts.

    Args:
        readable: The one file that stays readable.

    Returns:
        ``landlock`` and ``seccomp``: the result of the request, or the reason of its refusal.
    """
    if sys.platform != "linux":
        reason = f"not on {sys.platform}"
        return {"landlock": reason, "seccomp": reason}
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        reason = "the process has several threads"
        return {"landlock": reason, "seccomp": reason}
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        reason = "no_new_privs refused"
        return {"landlock": reason, "seccomp": reason}
    return {"landlock": _landlock(libc, readable), "seccomp": _seccomp(libc)}


def probe(readable: Path) -> dict[str, str]:
    """Test the boundaries by trying forbidden operations.

    Args:
        readable: The file that :func:`confine` left readable. Opened for writing, not written.

    Returns:
        ``files``, ``writes``, ``network``, ``processes``: ``held`` or ``open``.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    return {
        "files": _refused(lambda: os.close(os.open("/", os.O_RDONLY))),
        "writes": _refused(lambda: os.close(os.open(readable, os.O_WRONLY))),
        "network": _refused(lambda: _open_socket(libc)),
        "processes": _refused(_start_process),
    }


def _refused(attempt: Callable[[], None]) -> str:
    try:
        attempt()
    except OSError as error:
        return "held" if error.errno in {errno.EPERM, errno.EACCES} else "open"
    return "open"


def _open_socket(libc: ctypes.CDLL) -> None:
    descriptor = libc.socket(2, 1, 0)  # IPv4 stream
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "socket")
    os.close(descriptor)


def _start_process() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _lower(which: int, soft: int, hard: int) -> None:
    # A limit that is already lower stays: raising it would need a privilege.
    highest = resource.getrlimit(which)[1]
    if highest != resource.RLIM_INFINITY:
        soft, hard = min(soft, highest), min(hard, highest)
    resource.setrlimit(which, (soft, hard))


def _landlock(libc: ctypes.CDLL, readable: Path) -> str:
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return "the kernel has no Landlock"
    files = (1 << 13) - 1
    for since, right in ((2, 13), (3, 14), (5, 15)):  # rename across folders, truncate, ioctl
        if version >= since:
            files |= 1 << right
    network = 0b11 if version >= 4 else 0  # TCP bind and connect
    scoped = 0b11 if version >= 6 else 0  # abstract sockets and signals to outsiders
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    attributes = struct.pack("=QQQ", files, network, scoped)[:size]
    ruleset = libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return "the kernel refused a Landlock ruleset"
    try:
        file = os.open(readable, getattr(os, "O_PATH", os.O_RDONLY))
        try:
            rule = struct.pack("=Qi", _READ_FILE, file)
            if libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0) != 0:
                return "the kernel refused a Landlock rule"
        finally:
            os.close(file)
        if libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) != 0:
            return "the kernel refused to apply Landlock"
    finally:
        os.close(ruleset)
    return f"version {version}"


def _seccomp(libc: ctypes.CDLL) -> str:
    machine = platform.machine()
    if machine not in _SECCOMP_NUMBERS or sys.maxsize < 1 << 32:
        return f"no system call table for {machine}"
    program = _filter(machine)
    buffer = ctypes.create_string_buffer(program)
    # struct sock_fprog: the number of instructions and a pointer to them
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    every_thread = 1  # SECCOMP_FILTER_FLAG_TSYNC
    if libc.syscall(_SECCOMP_NUMBERS[machine], 1, every_thread, header) != 0:
        return "the kernel refused the filter"
    return "on"


def _filter(machine: str) -> bytes:
    """Return the BPF program that refuses the calls above and allows all others."""
    column = 0 if machine == "x86_64" else 1
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, kill = 0x7FFF0000, 0x80000000
    refuse, unknown = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS

    def step(code: int, if_true: int, if_false: int, value: int) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    program = [
        step(load, 0, 0, 4),  # architecture
        step(equal, 1, 0, _AUDIT_ARCH[machine]),
        step(answer, 0, 0, kill),
        step(load, 0, 0, 0),  # system call number
    ]
    if machine == "x86_64":  # the x32 numbers would be a second door to every call
        program += [step(at_least, 0, 1, 0x40000000), step(answer, 0, 0, refuse)]
    for number in (numbers[column] for numbers in _REFUSED_CALLS.values()):
        if number is not None:
            program += [step(equal, 0, 1, number), step(answer, 0, 0, refuse)]
    for number in (numbers[column] for numbers in _UNKNOWN_CALLS.values()):
        program += [step(equal, 0, 1, number), step(answer, 0, 0, unknown)]
    # Arguments sit at 16 + 8n, the low half first on both little-endian architectures.
    for number, argument in ((_OPEN[column], 1), (_OPENAT[column], 2)):
        if number is not None and number >= 0:
            program += [
                step(equal, 0, 4, number),
                step(load, 0, 0, 16 + 8 * argument),
                step(any_bit, 0, 1, _OPEN_FOR_CHANGE),
                step(answer, 0, 0, refuse),
                step(answer, 0, 0, allow),
            ]
    program += [
        step(equal, 0, 4, _CLONE[column]),  # a thread is fine, a process is not
        step(load, 0, 0, 16),
        step(any_bit, 1, 0, _CLONE_THREAD),
        step(answer, 0, 0, refuse),
        step(answer, 0, 0, allow),
        step(answer, 0, 0, allow),
    ]
    return b"".join(program)
