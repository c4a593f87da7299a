"""Deployed folders, sound and damaged, get the answers of ``spec/vectors/deployments``."""

from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.schemas import check_schema
from tests.verify.deployment.folders import AT, CASES, TRUST, files_of, judged, write


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_folders(case: dict[str, Any], tmp_path: Path) -> None:
    changes = case["changes"]
    root = write(files_of(case["id"]), tmp_path)
    report = judged(root, changes.get("trust", TRUST), changes.get("at", AT))
    made = {check.id: check.detail.get("reason", str(check.state)) for check in report.checks}
    assert {name: said for name, said in made.items() if said != "pass"} == case["checks"]
    assert report.verdict == case["verdict"]
    for check, members in case.get("details", {}).items():
        detail = report.check(check).detail
        assert {name: detail.get(name) for name in members} == members
    assert {*case.get("notProven", ())} <= {*report.not_proven}
    check_schema(report.to_json(), "report")
