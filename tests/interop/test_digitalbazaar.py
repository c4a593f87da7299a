"""@digitalbazaar/vc, the libraries that the W3C's own suites lean on, reads our credentials."""

import importlib.util
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.jsontext import parse
from lyrikstore.credentials.statuslist import ENTRIES, StatusEntry, sign_list
from lyrikstore.credentials.vcdm import DATASET_CONTEXT, context_bytes

pytestmark = pytest.mark.page

PEER = Path(__file__).parent / "digitalbazaar"
SCRIPT = Path(__file__).resolve().parents[2] / "spec" / "vectors" / "make_credentials.py"
NOW = datetime.now(UTC).replace(microsecond=0)
URL = "https://data.example/status/revocation-1.json"


@pytest.fixture(scope="module")
def made() -> Any:
    spec = importlib.util.spec_from_file_location("make_credentials", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if not (PEER / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=PEER, check=True, timeout=300)

    def ask(credential: bytes, lists: dict[str, bytes] | None = None) -> Any:
        line = {
            "credential": parse(credential),
            "lists": {url: parse(data) for url, data in (lists or {}).items()},
            "contexts": {DATASET_CONTEXT: json.loads(context_bytes())},
        }
        done = subprocess.run(
            ["node", "peer.mjs", "verify"],
            cwd=PEER,
            input=json.dumps(line),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return json.loads(done.stdout)

    return ask


def test_accepts(peer: Any, made: Any) -> None:
    assert peer(made.world().credential) == {"verified": True, "status": [], "error": ""}


@pytest.mark.parametrize("raised", [False, True])
def test_reads_the_same_bit(peer: Any, made: Any, raised: bool) -> None:
    entry = StatusEntry("revocation", 94_567, URL)
    credential = made.resigned(
        made.world().credential, lambda d: d.update(credentialStatus=entry.to_json())
    )
    bits = bytearray(ENTRIES // 8)
    bits[94_567 // 8] |= (128 >> 94_567 % 8) * raised
    signed = sign_list(URL, "revocation", bytes(bits), made.OWNER, NOW, timedelta(days=30))
    answer = peer(credential, {URL: signed})
    assert answer["verified"], answer
    assert answer["status"] == [raised]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["credentialSubject"]["licence"]["partitions"][0]["permits"].append(
            "redistribute"
        ),
        lambda d: d.update(validUntil="2037-11-01T00:00:00Z"),
        lambda d: d["proof"].update(created="2026-11-24T14:12:40Z"),
    ],
)
def test_refuses_what_was_changed(peer: Any, made: Any, change: Any) -> None:
    assert not peer(made.edited(made.world().credential, change))["verified"]
