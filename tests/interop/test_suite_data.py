"""What the official suites give a verifier, made with their libraries, and what serve answers."""

import http.client
import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import npm
from tests.interop.suites.run import served

pytestmark = pytest.mark.page
PEER = Path(__file__).parent / "digitalbazaar"


@pytest.fixture(scope="module")
def cases() -> list[dict[str, Any]]:
    done = subprocess.run(
        ["node", "suite.mjs"],
        cwd=npm.installed(PEER),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_case_gets_its_status(cases: list[dict[str, Any]], tmp_path: Path) -> None:
    assert len(cases) > 70
    wrong = {}
    with served(tmp_path, tls=False) as (url, _did, _certificate):
        address = urlsplit(url)
        for case in cases:
            kind = "presentation" if "presentation" in case else "credential"
            checks = ["proof"] if kind == "credential" else []
            options = {"checks": checks, **case.get("options", {})}
            body = {f"verifiable{kind.capitalize()}": case[kind], "options": options}
            host, port = address.hostname or "", address.port
            connection = http.client.HTTPConnection(host, port, timeout=60)
            headers = {"content-type": "application/json"}
            connection.request("POST", f"/{kind}s/verify", json.dumps(body).encode(), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            connection.close()
            if response.status not in ({200} if case["good"] else {400, 422}):
                name = f"{case['suite']}: {case['name']}"
                wrong[name] = (response.status, answer.get("errors"))
            elif not case["good"]:
                assert answer["errors"], case["name"]
    assert wrong == {}
