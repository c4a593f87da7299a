"""A real S3 server on one machine: a Ceph monitor, an OSD in memory and the RADOS gateway.

Debian's packages ``radosgw ceph-mon ceph-osd ceph-common``; about 1 GB of memory and 10 to 20 s.
Everything listens on loopback and lives in one folder; nothing of the system's is touched.
"""

import contextlib
import platform
import subprocess
import urllib.request
import uuid
from pathlib import Path

from tests.servers.ports import LOOPBACK, free_port, start, stop, wait_until

ACCESS_KEY = "LYRIKTESTACCESSKEY00"
SECRET_KEY = "lyrik/test/secret/key/that/never/leaves+it"

# `mon data avail crit = 0`: else the monitor stops when the disk has less than 5 % free.
# `osd class dir`: Debian's OSD finds its object classes only if told where they are.
CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{monitor}
ms bind msgr2 = false
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = true
osd pool default size = 1
osd pool default min size = 1
mon allow pool size one = true
mon warn on pool no redundancy = false
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon data avail crit = 0
mon data avail warn = 0
osd objectstore = memstore
memstore device bytes = 4294967296
osd memory target = 939524096
osd class dir = /usr/lib/{machine}-linux-gnu/rados-classes
mon data = {folder}/mon
osd data = {folder}/osd
run dir = {folder}/run
log file = {folder}/log/$name.log
admin socket = {folder}/run/$name.asok
pid file =

[client.rgw]
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{gateway}
rgw dns name = localhost
"""


class Ceph:
    """A running cluster of one.

    Args:
        folder: An empty folder of its own; its path should be short (it holds sockets).

    Attributes:
        endpoint: The URL of the S3 service.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._port = free_port()
        self.endpoint = f"http://{LOOPBACK}:{self._port}"

    def __enter__(self) -> "Ceph":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in reversed(self._daemons):
            stop(daemon)
        self._daemons.clear()

    def _start(self) -> None:
        for name in ("mon", "osd", "rgw", "log", "run"):
            (self._folder / name).mkdir()
        fsid, monitor = str(uuid.uuid4()), free_port()
        self._configuration.write_text(
            CONFIGURATION.format(
                fsid=fsid,
                monitor=monitor,
                gateway=self._port,
                folder=self._folder,
                machine=platform.machine(),
            )
        )
        monmap = self._folder / "monmap"
        address = f"[v1:{LOOPBACK}:{monitor}]"
        self._run(
            "monmaptool", "--create", "--clobber", "--addv", "a", address, "--fsid", fsid, monmap
        )
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap)
        self._daemon("ceph-mon", "-i", "a", "-f")
        wait_until(lambda: self._ask("osd", "dump") is not None, "the monitor", seconds=30)
        osd = str(uuid.uuid4())
        place = ("osd.0", "1.0", "root=default", "host=localhost")
        for command in (("osd", "new", osd, "0"), ("osd", "crush", "add", *place)):
            wait_until(lambda c=command: self._ask(*c) is not None, "the OSD's place", seconds=30)
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._daemon("ceph-osd", "-i", "0", "-f")
        wait_until(self._osd_is_up, "the OSD", seconds=60)
        user = ("--uid", "test", "--display-name", "T")
        keys = ("--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY)
        self._run("radosgw-admin", "-n", "client.rgw", "user", "create", *user, *keys)
        self._daemon("radosgw", "-n", "client.rgw", "-f")
        wait_until(self._answers, "the gateway", seconds=60)

    @property
    def _configuration(self) -> Path:
        return self._folder / "ceph.conf"

    def _run(self, program: str, *arguments: str | Path, timeout: float = 90) -> str:
        configured = () if program == "monmaptool" else ("-c", self._configuration)
        command = [str(part) for part in (program, *configured, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        return done.stdout

    def _ask(self, *question: str) -> str | None:
        # `ceph` waits for ever where no monitor answers.
        try:
            return self._run("ceph", *question, timeout=5)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None

    def _daemon(self, program: str, *arguments: str) -> None:
        command = (program, "-c", self._configuration, *arguments)
        self._daemons.append(start(command, self._folder / "log" / f"{program}.out"))

    def _osd_is_up(self) -> bool:
        # An OSD that asks before it has the monitor's map is told "wrong fsid", and ends.
        if self._daemons[-1].poll() is not None:
            self._daemons.pop()
            self._daemon("ceph-osd", "-i", "0", "-f")
        return "\nosd.0 up" in (self._ask("osd", "dump") or "")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
