"""What a model wrote beside what is right, for whoever holds the data (spec §13.12.8)."""

from collections.abc import Sequence
from typing import Any

from lyrikstore.canon.errors import LyrikstoreError, StorageError
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.references import read_candidates
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.evaluation.generation.body import (
    Generations,
    read_generations,
    sample_records,
)
from lyrikstore.verify.evaluation.generation.outputs import read_outputs

SHOWN = 20
"""Records that are shown, drawn by their ids."""

MAX_CHARACTERS = 2000
"""Characters of a text that are shown."""


def read_samples(repo: Repository, evaluation: Manifest) -> list[dict[str, Any]]:
    """Return some records of an evaluation with what was written, as far as that is here.

    Args:
        repo: The store.
        evaluation: One of a model that writes.

    Returns:
        ``record``, ``tokenF1`` (a decimal), ``expected``, ``model`` and ``base``: texts, or None.

    Raises:
        FormatError: (``bad-predictions``) its predictions are none.
        NotFoundError, VerificationError, IncompleteError, StorageError: They cannot be read.

    Cost: one read of the test set.
    """
    with repo.blobs.open(evaluation.attachments_in("predictions")[0].id) as stream:
        found = read_generations(stream)
    wanted = sample_records(found.records, SHOWN, found.seed)
    texts = _texts(repo, evaluation, found)
    expected = _expected(repo, evaluation, {one.hex for one in wanted})
    samples = []
    for at, (record, outputs) in enumerate(zip(found.records, found.outputs, strict=True)):
        if record not in wanted:
            continue
        written: Sequence[str | None] = texts[at] if texts else (None,)
        score = outputs[0].token_f1
        samples.append(
            {
                "record": record.hex,
                "tokenF1": f"{score // 1_000_000}.{score % 1_000_000:06d}",
                "expectedText": _cut(expected.get(record.hex)),
                "modelText": _cut(written[0]),
                "baseText": _cut(written[1] if len(written) > 1 else None),
            }
        )
    return samples


def _texts(repo: Repository, evaluation: Manifest, found: Generations) -> list[list[str]]:
    """Return the texts of each record; empty: erased, in a clone without them, or none."""
    try:
        for attached in evaluation.attachments_in("outputs"):
            with repo.blobs.open(attached.id) as stream:
                return read_outputs(stream, found)
    except StorageError:
        raise
    except LyrikstoreError:
        pass
    return []


def _expected(repo: Repository, evaluation: Manifest, wanted: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        checkpoint = repo.manifest(evaluation.inputs_in("checkpoint")[0].id)
        data = repo.manifest(checkpoint.inputs_in("run")[0].id).body["config"]["data"]
        for item in evaluation.inputs_in("test"):
            for row in read_candidates(repo, repo.manifest(item.id)):
                if row.id.hex in wanted:
                    found[row.id.hex] = _answer(row.fields, data)
    except StorageError:
        raise
    except LyrikstoreError:
        pass  # a clone without the data, or data that was retired
    return found


def _answer(fields: Any, data: Any) -> str:
    if "messages" in data:
        turns = fields.get(data["messages"])
        return str(turns[-1].get("content", "")) if isinstance(turns, list) and turns else ""
    return as_text(fields.get(data["completion"])) or ""


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= MAX_CHARACTERS:
        return text
    return text[:MAX_CHARACTERS] + "…"
