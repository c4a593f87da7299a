"""OpenSSH's server on loopback, for the user who runs the tests, with keys of its own.

Tests take the fixture ``sshd`` and are marked ``sftp``.
"""

import contextlib
import getpass
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lyrikstore.objects.backends.base import Backend
from lyrikstore.objects.backends.open import Retry, open_backend
from tests.servers.ports import LOOPBACK, free_port, listens, start, stop, wait_until

CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class SshServer:
    """A running server.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        identity: The private key of a user who may log in.
        known_hosts: A file that names the server.
        pid: The process that listens; those that serve somebody are its children.
    """

    pid: int
    port: int
    identity: Path
    known_hosts: Path

    @property
    def options(self) -> dict[str, str]:
        """Options for :func:`open_backend`."""
        return {"identity": str(self.identity), "known-hosts": str(self.known_hosts)}

    def url(self, folder: Path) -> str:
        """Return the URL of a store in ``folder``."""
        return f"sftp://{getpass.getuser()}@{LOOPBACK}:{self.port}{folder}"

    def drop_sessions(self) -> None:
        """Kill the processes that serve somebody, as a broken line would end them."""
        waiting = [self.pid]
        while waiting:
            pid = waiting.pop()
            with contextlib.suppress(OSError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                waiting += map(int, children)
                if pid != self.pid:
                    os.kill(pid, signal.SIGKILL)

    def backend(self, folder: Path, scratch: Path, retry: Retry | None = None) -> Backend:
        """Return the backend of the store in ``folder``."""
        return open_backend(self.url(folder), scratch=scratch, options=self.options, retry=retry)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """Return a running OpenSSH server."""
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    port = free_port()
    configuration = folder / "sshd_config"
    configuration.write_text(CONFIGURATION.format(port=port, folder=folder))
    host_key = (folder / "host.pub").read_text().split()
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[{LOOPBACK}]:{port} {host_key[0]} {host_key[1]}\n")
    if os.geteuid() == 0:  # sshd run by root will not start without its empty folder
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    daemon = start([program, "-D", "-e", "-f", configuration], folder / "log")
    try:
        wait_until(lambda: listens(port), "sshd", seconds=20)
        yield SshServer(daemon.pid, port, folder / "user", known_hosts)
    finally:
        stop(daemon)
