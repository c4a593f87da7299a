"""The store of the vectors, and evidence about what is in it."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from tests.conftest import REPOSITORY

_FOLDER = REPOSITORY / "spec" / "vectors"
VECTORS: dict[str, Any] = json.loads((_FOLDER / "audit" / "files.json").read_text())
EVIDENCE = gzip.decompress(base64.b64decode(VECTORS["evidence"]))


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The store of ``stores/end-to-end.json``, opened."""
    folder = tmp_path_factory.mktemp("audited")
    files = json.loads((_FOLDER / "stores" / "end-to-end.json").read_text())["files"]
    for path, data in files.items():
        file = folder / "store" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(data))
    return Repository.open(Path(folder) / "store", memory=LogMemory(folder / "seen"))
