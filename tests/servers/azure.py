"""Azurite, Microsoft's emulator of Azure Blob Storage: the fixture ``azurite``, marked ``azure``.

It judges signatures and conditions as Azure does, and keeps everything in memory.
"""

import base64
import hashlib
import hmac
import urllib.request
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from tests import npm
from tests.servers.buckets import BucketServer
from tests.servers.ports import LOOPBACK, free_port, listens, start, stop, wait_until

ACCOUNT = "lyrik"
KEY = base64.b64encode(b"the key of an emulator").decode()


class AzureServer(BucketServer):
    """A running Azurite."""

    def options_at(self, endpoint: str) -> dict[str, str]:
        """See :meth:`BucketServer.options_at`."""
        return {"account": ACCOUNT, "endpoint": f"{endpoint}/{ACCOUNT}"}

    def make_bucket(self, name: str) -> str:
        """See :meth:`BucketServer.make_bucket`."""
        # obstore cannot make a container. A Shared Key signature is over the method, twelve
        # standard headers that are empty here, and what follows.
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2023-11-03"}
        signed = "\n".join(
            [
                "PUT" + "\n" * 11,
                *(f"{key}:{value}" for key, value in headers.items()),
                f"/{ACCOUNT}/{ACCOUNT}/{name}",
                "restype:container",
            ]
        )
        code = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(code).decode()}"
        url = f"{self.endpoint}/{ACCOUNT}/{name}?restype=container"
        urllib.request.urlopen(
            urllib.request.Request(url, method="PUT", headers=headers), timeout=60
        ).close()
        return f"az://{name}"


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureServer]:
    """Return a running Azurite; the test must be marked ``azure``."""
    folder = tmp_path_factory.mktemp("azurite")
    program = npm.installed(Path(__file__).parent / "azurite") / "node_modules/.bin/azurite-blob"
    port = free_port()
    command = ["env", f"AZURITE_ACCOUNTS={ACCOUNT}:{KEY}", program, "--blobHost", LOOPBACK]
    command += ["--blobPort", str(port), "--inMemoryPersistence", "--extentMemoryLimit", "2000"]
    daemon = start([*command, "--silent", "--disableTelemetry"], folder / "log")
    try:
        wait_until(lambda: listens(port), "azurite", seconds=60)
        yield AzureServer(f"http://{LOOPBACK}:{port}", {"AZURE_STORAGE_ACCOUNT_KEY": KEY})
    finally:
        stop(daemon)
