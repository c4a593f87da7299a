"""The deployed folders of ``spec/vectors/deployments``, on a disk."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.verify.deployment.deployment import verify_deployment
from lyrikstore.verify.deployment.folder import DeployedFolder, FolderState
from lyrikstore.verify.report import Report

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "deployments"
FOLDERS = json.loads((VECTORS / "folders.json").read_text("ascii"))
CASES: dict[str, Any] = {case["id"]: case for case in FOLDERS["cases"]}
AT, TRUST = FOLDERS["base"]["at"], FOLDERS["base"]["trust"]


def files_of(case: str) -> dict[str, bytes]:
    """Return path → bytes of one case."""
    spelt = {**FOLDERS["base"]["files"], **CASES[case]["changes"].get("files", {})}
    return {
        path: bytes.fromhex(data["hex"]) if isinstance(data, dict) else data.encode()
        for path, data in spelt.items()
        if data is not None
    }


def write(files: dict[str, bytes], root: Path) -> Path:
    """Write files below a folder, and return it."""
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def judged(root: Path, trust: str = TRUST, at: str = AT, later: Iterable[bytes] = ()) -> Report:
    """Return the report on a folder, with what was said since."""
    folder = DeployedFolder(root, FolderState.SIGNED)
    return verify_deployment(
        folder.read_evidence(),
        folder.data(),
        trust=parse_trust(trust.encode()),
        at=parse_timestamp(at),
        status_files=later,
    )
