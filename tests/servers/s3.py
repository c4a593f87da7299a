"""S3 servers for tests, each with a bucket of one's own: moto's, always; Ceph's, marked ``s3``.

Tests take the fixtures ``moto`` and ``ceph`` (both :class:`S3Server`); ``tests/conftest.py`` makes
them known everywhere. One Ceph serves a whole test session, whatever the number of its processes.
"""

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.servers.buckets import BucketServer
from tests.servers.ceph import ACCESS_KEY, SECRET_KEY, Ceph
from tests.servers.ports import LOOPBACK, free_port, listens, start, stop, wait_until


class S3Server(BucketServer):
    """A running S3 service."""

    def options_at(self, endpoint: str) -> dict[str, str]:
        """See :meth:`BucketServer.options_at`."""
        return {"endpoint": endpoint, "region": "us-east-1"}

    def make_bucket(self, name: str) -> str:
        """See :meth:`BucketServer.make_bucket`."""
        import boto3

        boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        ).create_bucket(Bucket=name)
        return f"s3://{name}"

    @classmethod
    def at(cls, endpoint: str, access_key: str, secret_key: str) -> Self:
        """Return the service at ``endpoint``, for a user with these keys."""
        environment = {
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": endpoint,
        }
        return cls(endpoint, environment)


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Return moto's S3 server: conditions as on AWS, but neither signatures nor checksums."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)]
    daemon = start(command, tmp_path_factory.mktemp("moto") / "log")
    try:
        wait_until(lambda: listens(port), "moto", seconds=60)
        yield S3Server.at(f"http://{LOOPBACK}:{port}", "anything", "goes")
    finally:
        stop(daemon)


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Return Ceph's gateway, a real S3 server; the test must be marked ``s3``."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of the whole session
    with _one_for_all(folder) as endpoint:
        yield S3Server.at(endpoint, ACCESS_KEY, SECRET_KEY)


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
