"""S3 servers for tests, each with a bucket of one's own: moto's, always; Ceph's, marked ``s3``.

Tests take the fixtures ``moto`` and ``ceph`` (both :class:`S3Server`); ``tests/conftest.py`` makes
them known everywhere. One Ceph serves a whole test session, whatever the number of its processes.
"""

import contextlib
import fcntl
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lyrikstore.objects.backend import Backend
from lyrikstore.objects.remote import Retry, open_backend
from tests.servers.ceph import ACCESS_KEY, SECRET_KEY, Ceph
from tests.servers.ports import LOOPBACK, free_port, listens, start, stop, wait_until

_COUNT = itertools.count()  # with the process id: several processes share one server


@dataclass
class S3Server:
    """A running S3 service and a user of it.

    Attributes:
        endpoint: Its URL.
        environment: What to add to the environment of a command that talks to it.
    """

    endpoint: str
    access_key: str
    secret_key: str
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.environment = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    @property
    def options(self) -> dict[str, str]:
        """Options for :func:`open_backend`."""
        return {"endpoint": self.endpoint, "region": "us-east-1"}

    def new_url(self, prefix: str = "some/prefix") -> str:
        """Make an empty bucket and return the URL of a store in it."""
        import boto3

        bucket = f"lyrik-test-{os.getpid()}-{next(_COUNT)}"
        boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
        ).create_bucket(Bucket=bucket)
        return f"s3://{bucket}/{prefix}"

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the credentials into this process's environment."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def backend(
        self, monkeypatch: pytest.MonkeyPatch, scratch: Path, retry: Retry | None = None
    ) -> Backend:
        """Return an empty backend on this server."""
        self.use(monkeypatch)
        return open_backend(self.new_url(), scratch=scratch, options=self.options, retry=retry)


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Return moto's S3 server: conditions as on AWS, but neither signatures nor checksums."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)]
    daemon = start(command, tmp_path_factory.mktemp("moto") / "log")
    try:
        wait_until(lambda: listens(port), "moto", seconds=60)
        yield S3Server(f"http://{LOOPBACK}:{port}", "anything", "goes")
    finally:
        stop(daemon)


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Return Ceph's gateway, a real S3 server; the test must be marked ``s3``."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of the whole session
    with _one_for_all(folder) as endpoint:
        yield S3Server(endpoint, ACCESS_KEY, SECRET_KEY)


@contextlib.contextmanager
def _one_for_all(folder: Path) -> Iterator[str]:
    # The first process that comes starts the cluster, and leaves when the others have left. Locks
    # die with their processes, so nobody waits for the dead.
    with (folder / "ceph").open("a+") as turn, (folder / "ceph-users").open("a+") as users:
        fcntl.flock(turn, fcntl.LOCK_EX)
        turn.seek(0)
        if endpoint := turn.read():
            fcntl.flock(users, fcntl.LOCK_SH)
            fcntl.flock(turn, fcntl.LOCK_UN)
            yield endpoint
            return
        place = Path(tempfile.mkdtemp(prefix="ceph-"))  # it holds sockets: its path must be short
        try:
            with Ceph(place) as cluster:
                turn.write(cluster.endpoint)
                turn.flush()
                fcntl.flock(turn, fcntl.LOCK_UN)
                yield cluster.endpoint
                fcntl.flock(turn, fcntl.LOCK_EX)
                turn.truncate(0)
                fcntl.flock(users, fcntl.LOCK_EX)
        finally:
            shutil.rmtree(place, ignore_errors=True)
