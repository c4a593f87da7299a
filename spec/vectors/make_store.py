"""Makes ``stores/end-to-end.json``: a store with a whole chain in it, and what a verifier answers.

``files`` are the store's, in base64; ``report`` is that of ``verify`` without sentences, and
``objects`` those on what is current under each name. They are what this program answers;
``tests/verify/store/test_vectors_of_stores.py`` says by hand which checks do not pass.
"""

import base64
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from end_to_end import AT, TRUST, Build, trusted, without_chance
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.context import StoreContext
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.readers import all_readers
from lyrikstore.verify.report import Report
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.store import verify_store


def judge(store: Path, home: Path, name: str = "") -> Report:
    """Return the report on a store, or on what is current under a name."""
    memory = LogMemory(home)
    context = StoreContext(
        Repository.open(store, memory=memory), memory, Path("none"),
        clock=lambda: parse_timestamp(AT), believed=trusted(),
    )  # fmt: skip
    if not name:
        return verify_store(context, readers=all_readers())
    return verify_object(context, context.resolve(name).id, readers=all_readers())


def spelt(report: Report) -> dict[str, Any]:
    """Return what the vectors say of a report: no sentences, and no folders of this machine."""
    found = report.to_json()
    checks = [
        {"id": one["id"], "state": one["state"], "detail": _facts(one["detail"])}
        for one in found["checks"]
    ]
    return {"verdict": found["verdict"], "subject": found["subject"], "checks": checks}


def _facts(detail: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if name != "problems"}


@cache
def make() -> dict[str, Any]:
    """Return file name → content."""
    with tempfile.TemporaryDirectory() as folder, without_chance():
        home = Path(folder)
        build = Build(home)
        build.make()
        store = home / "store"
        files = {
            path.relative_to(store).as_posix(): base64.b64encode(path.read_bytes()).decode()
            for path in sorted(store.rglob("*"))
            if path.is_file() and path.name != "lock"
        }
        names = sorted(build.context.repository.refs)
        reports = {name: spelt(judge(store, home / "seen", name)) for name in ["", *names]}
    return {
        "stores/end-to-end.json": {
            "at": AT, "trust": TRUST, "files": files, "report": reports.pop(""), "objects": reports,
        }
    }  # fmt: skip
