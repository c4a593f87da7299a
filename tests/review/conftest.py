"""A store with labelled rows, and people who decide about them."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from msgspec import UNSET

from lyrikstore.api import CommitMetadata, FieldRoles, Store
from lyrikstore.canon.timestamps import now
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.review.folder import OpenedFolder, open_folder
from lyrikstore.review.sign import sign_decisions
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.review.model import DecisionFile, FolderItem, RecordDecision

ANNA, BEN, CARA = (signer_for(name) for name in ("anna", "ben", "cara"))
LABELS = ("audit", "insurance", "law")

Decide = Callable[[FolderItem], RecordDecision]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(
        tmp_path / "work",
        signer=signer_for("owner"),
        keys=KeyFolder(tmp_path / "keys"),
        memory_dir=tmp_path / "memory",
        trust_file=tmp_path / "trust.toml",
    )


def commit_rows(
    store: Store, folder: Path, rows: Iterable[Mapping[str, object]], name: str = "acme/clauses"
) -> str:
    """Commit rows with a text and a label; return the name."""
    folder.mkdir(exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "rows.jsonl").write_text(lines)
    roles = FieldRoles(text=("text",), label="label")
    store.datasets.commit(folder, f"datasets/{name}", CommitMetadata(roles=roles))
    return f"datasets/{name}"


def rows(count: int) -> list[dict[str, object]]:
    """Return rows whose label is right for two of three."""
    return [
        {"text": f"clause {n} on {LABELS[n % 3]}", "label": LABELS[n % 3 if n % 5 else (n + 1) % 3]}
        for n in range(count)
    ]


def right(item: FolderItem) -> RecordDecision:
    """Return the decision of somebody who reads the text."""
    found = next(one for one in LABELS if item.fields["text"].endswith(one))
    if (found,) == item.candidate:
        return RecordDecision(item.item, "accept", 4000)
    return RecordDecision(item.item, "change", 6000, value=(found,), reason="wrong")


def accepting(item: FolderItem) -> RecordDecision:
    """Return the decision of somebody who reads nothing."""
    return RecordDecision(item.item, "accept", 700)


def decided(folder: Path, decide: Decide = right) -> tuple[OpenedFolder, DecisionFile]:
    """Return a folder, and the decisions of whoever it is for."""
    opened = open_folder(folder)
    made = [decide(one) for one in opened.folder.items]
    if opened.folder.blind:
        made = [
            RecordDecision(
                **{
                    **{name: getattr(one, name) for name in one.__struct_fields__},
                    "blind": one.value if one.value is not UNSET else item.candidate,
                }
            )
            for one, item in zip(made, opened.folder.items, strict=True)
        ]
    made.sort(key=lambda one: one.item)
    file = DecisionFile(
        "lyrikstore-decisions/1", str(opened.queue.id), opened.folder.reviewer, tuple(made)
    )
    return opened, file


def signed(folder: Path, signer: KeySigner, decide: Decide = right) -> bytes:
    """Return the signed decisions about a folder."""
    opened, file = decided(folder, decide)
    return sign_decisions(opened, file, signer, now())
