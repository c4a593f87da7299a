"""What a model wrote beside what is right, for whoever holds the data (spec §13.12.8)."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, StorageError
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.references import read_candidates
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.verify.evaluation.generation.generations import (
    Generations,
    draw_sample,
    read_generations,
)
from lyrikstore.verify.evaluation.generation.outputs import read_outputs

SHOWN = 20
"""Records that are shown, drawn by what names them."""

MAX_CHARACTERS = 2000
"""Characters of a text that are shown."""


def read_samples(repo: Repository, evaluation: Manifest) -> list[dict[str, Any]]:
    """Return some records of an evaluation with what was written, as far as that is here.

    Args:
        repo: The store.
        evaluation: One of a model that writes.

    Returns:
        ``recordPlace``, ``record`` (its id), ``recordAt`` (where it is), ``tokenF1`` (a decimal),
        ``expectedText``, ``modelText`` and ``baseText``; None: it is not here.

    Raises:
        FormatError: (``bad-predictions``) its predictions are none.
        NotFoundError, VerificationError, IncompleteError, StorageError: They cannot be read.

    Cost: one read of the test set.
    """
    with repo.blobs.open(present_attachments(repo, evaluation, "predictions")[0].id) as stream:
        found = read_generations(stream)
    names = [_bytes(one) for one in found.records]
    wanted = draw_sample(set(names), SHOWN, found.seed)
    texts = _texts(repo, evaluation, found)
    known = _known(repo, evaluation, wanted)
    samples = []
    for at, (record, outputs) in enumerate(zip(found.records, found.outputs, strict=True)):
        if names[at] not in wanted:
            continue
        written: Sequence[str | None] = texts[at] if texts else (None,)
        score = outputs[0].token_f1
        samples.append(
            {
                **known.get(names[at], _unknown(record)),
                "tokenF1": f"{score // 1_000_000}.{score % 1_000_000:06d}",
                "modelText": _cut(written[0]),
                "baseText": _cut(written[1] if len(written) > 1 else None),
            }
        )
    return samples


def _bytes(record: Digest | int) -> bytes:
    return record.to_bytes(8, "big") if isinstance(record, int) else record.raw


def _unknown(record: Digest | int) -> dict[str, Any]:
    """Return what is known of a record without the data."""
    return {
        "recordPlace": record if isinstance(record, int) else None,
        "record": None if isinstance(record, int) else record.hex,
        "recordAt": None,
        "expectedText": None,
    }


def _texts(repo: Repository, evaluation: Manifest, found: Generations) -> Sequence[Sequence[str]]:
    """Return the texts of each record; empty: erased, in a clone without them, or none."""
    try:
        for attached in present_attachments(repo, evaluation, "outputs"):
            with repo.blobs.open(attached.id) as stream:
                return read_outputs(stream, found).texts
    except StorageError:
        raise
    except LyrikstoreError:
        pass
    return []


def _known(
    repo: Repository, evaluation: Manifest, wanted: frozenset[bytes]
) -> dict[bytes, dict[str, Any]]:
    """Return what the data says of records, by the bytes of what names them."""
    found: dict[bytes, dict[str, Any]] = {}
    try:
        checkpoint = repo.manifest(evaluation.inputs_in("checkpoint")[0].id)
        data = repo.manifest(checkpoint.inputs_in("run")[0].id).body["config"]["data"]
        tests = [repo.manifest(item.id) for item in evaluation.inputs_in("test")]
        rows = chain.from_iterable(read_candidates(repo, one) for one in tests)
        for place, row in enumerate(rows):
            for name in wanted & {_bytes(place), row.id.raw}:
                about = {"recordPlace": place, "record": row.id.hex, "recordAt": row.place}
                found.setdefault(name, {**about, "expectedText": _cut(_answer(row.fields, data))})
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
