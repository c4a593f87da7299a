"""Makes ``stores/end-to-end.json``: a store with a whole chain in it, and what a verifier answers.

``files`` are the store's, in base64; ``logKey`` signs its log; ``report`` is that of ``verify``
without sentences, and ``objects`` those on what is current under each name. They are what this
program answers; ``tests/verify/store/test_vectors_of_stores.py`` says by hand which do not pass.

``cards/facts.json`` says which facts a card of its rows, and of its model, states after each step
that changes one: what is stated anew or otherwise, and what no more. A step is the store with that
many transaction records, and that log checkpoint. ``profile`` is what the model's card answers.
"""

import base64
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from end_to_end import AT, LOG, MODEL, PROFILE, TRUST, Build, trusted, without_chance
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.context import StoreContext
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.card import draft_card
from lyrikstore.readers import all_readers
from lyrikstore.verify.report import Report
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.store import verify_store

ROWS = "datasets/acme/rows"


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


class _Looked:
    """What cards of the store would state after each step of it, where that is something else."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._said: dict[str, dict[str, Any]] = {ROWS: {}, MODEL: {}}
        self.stages: list[dict[str, Any]] = []

    def look(self, step: str) -> None:
        """Note what is stated now that was not before."""
        repository, cards = self._build.context.repository, {}
        for subject, before in self._said.items():
            # The rows are committed once more: cards are about the version before.
            if subject in repository.refs and step != "commit_again":
                now = statements(self._build.context, subject)
                says = {name: one for name, one in now.items() if before.get(name) != one}
                gone = sorted(before.keys() - now.keys())
                if says or gone:
                    cards[subject] = {"says": says, "gone": gone}
                self._said[subject] = now
        if cards:
            folder = self._build.home / "store"
            self.stages.append({
                "after": step,
                "transactions": len(list((folder / "tx").iterdir())),
                "checkpoint": (folder / "log" / "checkpoint").read_text(),
                "cards": cards,
            })  # fmt: skip


def statements(context: StoreContext, subject: str) -> dict[str, dict[str, Any]]:
    """Return what a card would state, without sentences: name → state, value, and what it rests on.

    Of a dataset what people are asked is left out: its usual profiles are data of the program.
    """
    manifest = context.resolve(subject)
    is_model = manifest.kind == "checkpoint"
    content: Any = draft_card(context.repository, manifest, [PROFILE] if is_model else []).content
    return {
        one["id"]: {name: one[name] for name in ("state", "value", "evidence") if name in one}
        for one in content["statements"]
        if is_model or not one["id"].startswith("answer.")
    }


@cache
def make() -> dict[str, Any]:
    """Return file name → content."""
    with tempfile.TemporaryDirectory() as folder, without_chance():
        home = Path(folder)
        build = Build(home)
        looked = _Looked(build)
        build.make(looked.look)
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
            "at": AT,
            "trust": TRUST,
            "logKey": str(VerifierKey("vectors.example/end-to-end", LOG.public)),
            "files": files,
            "report": reports.pop(""),
            "objects": reports,
        },
        "cards/facts.json": {"profile": PROFILE.data.decode(), "stages": looked.stages},
    }
