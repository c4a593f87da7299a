"""A running ``lyrikstore w3c serve``, and requests to it."""

import http.client
import json
import signal
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

V2 = "https://www.w3.org/ns/credentials/v2"
SUITES = ("eddsa-jcs-2022", "eddsa-rdfc-2022")


@dataclass
class Server:
    url: str
    issuer: str | None
    certificate: Path | None = None

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        if self.certificate is None:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        else:
            context = ssl.create_default_context(cafile=self.certificate)
            connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=60, context=context
            )
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"content-type": "application/json", **(headers or {})} if data is not None else {}
        connection.request(method, path, data, {**sent, **(headers or {})})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        kind = response.headers.get_content_type()
        answer = json.loads(text) if "json" in kind or kind.startswith("application/") else text
        return response.status, answer, dict(response.headers)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        return self.request("POST", path, body)[:2]

    def issue(self, credential: dict[str, Any], suite: str = SUITES[0], kind: str = "") -> Any:
        path = f"/issuers/{suite}{kind}/credentials/issue"
        status, made = self.post(path, {"credential": credential, "options": {}})
        assert status == 201, made
        return made

    def verify(self, credential: Any, **options: Any) -> tuple[int, Any]:
        body = {"verifiableCredential": credential, "options": options}
        return self.post("/credentials/verify", body)


def start(
    person: Any, *options: str, wrap: Sequence[str] = ()
) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    process = subprocess.Popen(
        [*wrap, *person.command("w3c", "serve", "--port", "0", "--json", *options)],
        cwd=person.folder,
        env=person.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    text = ""
    while not text.endswith("}\n"):  # JSON over several lines
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        text += line
    return process, json.loads(text)


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)
    assert process.returncode == 0, said


def credential(server: Server, **changes: Any) -> dict[str, Any]:
    return {
        "@context": [V2, "https://www.w3.org/ns/credentials/examples/v2"],
        "type": ["VerifiableCredential"],
        "issuer": server.issuer,
        "credentialSubject": {"id": "did:example:1", "alumniOf": "Z\u00fcrich"},
        **changes,
    }
