"""Genuine cases to begin with: every case of the vectors of verdicts, good ones and bad ones."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.differential.judges import GIVEN, Case

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"
VERDICTS = VECTORS / "verdicts"
MOST = 1 << 17
"""Bytes of one case: what is larger is there to be large, and takes the time of many others."""


def spelt(given: Any) -> bytes:
    """Return bytes as the vectors spell them: text, hexadecimal, or repeated pieces."""
    if isinstance(given, str):
        return given.encode()
    if isinstance(given, dict):
        return bytes.fromhex(given["hex"])
    return b"".join((p if isinstance(p, str) else p[0] * p[1]).encode() for p in given)


def _files(given: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: spelt(data) for name, data in sorted(given.items()) if data is not None}


def _all() -> Iterator[tuple[str, Case]]:
    for file in (
        *("deliveries", "resold", "rows", "figures"),
        *("attestations", "attester-keys", "recompute"),
    ):
        vectors = json.loads((VERDICTS / f"{file}.json").read_text("ascii"))
        base = vectors["base"]
        for case in vectors["cases"]:
            changes = case["changes"]
            whole = {**base, **changes}
            data = {**base["data"], **(changes.get("data") or {})}
            yield (
                f"{file}/{case['id']}",
                Case(
                    spelt(whole["credential"]),
                    _files({**base["siblings"], **changes.get("siblings", {})}),
                    None if "data" in changes and changes["data"] is None else _files(data),
                    whole["trust"].encode(),
                    whole["at"],
                    recompute=changes.get("recompute", True),
                ),
            )
    for file in ("grants", "grant-keys", "presented"):
        vectors = json.loads((VERDICTS / f"{file}.json").read_text("ascii"))
        base = vectors["base"]
        for case in vectors["cases"]:
            whole = {**base, **case["changes"]}
            files = _files({**base["files"], **case["changes"].get("files", {})})
            asked = {name: whole.get(name) for name in ("challenge", "domain")}
            yield (
                f"{file}/{case['id']}",
                Case(
                    spelt(whole["target"]),
                    files,
                    None,
                    whole["trust"].encode(),
                    whole["at"],
                    **asked,
                ),
            )
    vectors = json.loads((VERDICTS / "keys.json").read_text("ascii"))
    for case in vectors["cases"]:
        whole = {**vectors, **case}
        yield (
            f"keys/{case['id']}",
            Case(
                spelt(whole["credential"]),
                _files(whole["siblings"]),
                _files(whole["data"]),
                whole["trust"].encode(),
                whole["at"],
            ),
        )
    for file in ("hostile-w3c", "hostile-lyrik"):
        vectors = json.loads((VERDICTS / f"{file}.json").read_text("ascii"))
        for case in vectors["cases"]:
            whole = {"lists": [], "resources": {}, **vectors["base"], **case}
            files = {f"list-{n}.json": spelt(one) for n, one in enumerate(whole["lists"])}
            named = {GIVEN + name: data for name, data in _files(whole["resources"]).items()}
            asked = {name: whole.get(name) for name in ("challenge", "domain")}
            yield f"{file}/{case['id']}", Case(
                spelt(whole["document"]), files | named, None, whole["trust"].encode(),
                whole["at"], **asked,
            )  # fmt: skip
    vectors = json.loads((VECTORS / "deployments" / "folders.json").read_text("ascii"))
    base = vectors["base"]
    for case in vectors["cases"]:
        whole = {**base, **case["changes"]}
        files = _files({**base["files"], **case["changes"].get("files", {})})
        inside = {path for path in files if path.startswith("lyrikstore/")}
        yield (
            f"deployments/{case['id']}",
            Case(
                b"",
                {path.removeprefix("lyrikstore/"): files[path] for path in sorted(inside)},
                {path: data for path, data in files.items() if path not in inside},
                whole["trust"].encode(),
                whole["at"],
                deployed=True,
            ),
        )


def seeds() -> dict[str, Case]:
    """Return name → case, of those that are not too large."""
    return {
        name: case
        for name, case in _all()
        if len(case.target) + sum(map(len, case.siblings.values())) <= MOST
    }
