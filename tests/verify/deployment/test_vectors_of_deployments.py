"""Deployed folders, sound and damaged, get the answers of ``spec/vectors/deployments``."""

import json
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.schemas import check_schema
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.verify.deployment.deployment import verify_deployment
from lyrikstore.verify.deployment.folder import DeployedFolder, FolderState

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors" / "deployments"
FOLDERS = json.loads((VECTORS / "folders.json").read_text("ascii"))


@pytest.mark.parametrize("case", FOLDERS["cases"], ids=lambda case: case["id"])
def test_folders(case: dict[str, Any], tmp_path: Path) -> None:
    base, changes = FOLDERS["base"], case["changes"]
    for path, data in {**base["files"], **changes.get("files", {})}.items():
        if data is not None:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            raw = bytes.fromhex(data["hex"]) if isinstance(data, dict) else data.encode()
            (tmp_path / path).write_bytes(raw)
    folder = DeployedFolder(tmp_path, FolderState.SIGNED)
    report = verify_deployment(
        folder.read_evidence(),
        folder.data(),
        trust=parse_trust(changes.get("trust", base["trust"]).encode()),
        at=parse_timestamp(changes.get("at", base["at"])),
    )
    made = {check.id: check.detail.get("reason", str(check.state)) for check in report.checks}
    assert {name: said for name, said in made.items() if said != "pass"} == case["checks"], (
        report.to_json()
    )
    assert report.verdict == case["verdict"]
    for check, members in case.get("details", {}).items():
        detail = report.check(check).detail
        assert {name: detail.get(name) for name in members} == members
    check_schema(report.to_json(), "report")
