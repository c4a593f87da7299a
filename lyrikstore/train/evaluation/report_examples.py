"""Records that a report shows with their texts, if the data is in the store; never signed.

For labels: the worst failures (spec §13.9.8); for generated text: some records with the generated
and the expected text (§13.12.8).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, StorageError
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.train.evaluation.answers import fields_of
from lyrikstore.train.snapshot import read_found
from lyrikstore.verify.evaluation.generation.generations import (
    Generations,
    draw_sample,
    read_generations,
)
from lyrikstore.verify.evaluation.generation.outputs import read_outputs

SHOWN = 20
"""Number of records whose generated texts are shown, drawn by place or id."""

MAX_CHARACTERS = 2000
"""Characters of a text that are shown."""

Name = int | str
"""The place of a record, or its id in hex, as version 1 of the formats has it."""

ReadTexts = Callable[[Mapping[str, Any], Sequence[Manifest]], Iterable[tuple[str, Digest, str]]]
"""Yields place, id and text of each record, from the config of the run and the test sets."""


def read_failures(repo: Repository, evaluation: Manifest) -> list[dict[str, Any]]:
    """Return the worst failures of an evaluation, each with its text if the store has it.

    Returns:
        ``recordPlace``, ``record`` (its id), ``recordAt`` (its path, of rows ``PATH:LINE``),
        ``expected``, ``predicted``, ``probability`` and ``recordText``; None: the store does not
        have it.

    Raises:
        StorageError: Storage backend error.

    Cost: one read of the test set.
    """
    worst = evaluation.body.get("worst", ())
    names: list[Name] = [one.get("place", one.get("record")) for one in worst]

    def read(config: Mapping[str, Any], tests: Sequence[Manifest]) -> Iterator[Any]:
        return read_found(repo, tests, fields_of(config, label=""))

    found = _records(repo, evaluation, names, "recordText", read)
    members = ("expected", "predicted", "probability")
    return [
        {**about, **{name: one.get(name, "") for name in members}}
        for one, about in zip(worst, found, strict=True)
    ]


def read_samples(repo: Repository, evaluation: Manifest) -> list[dict[str, Any]]:
    """Return some records of an evaluation with their generated texts, if the store has them.

    Returns:
        ``recordPlace``, ``record``, ``recordAt``, ``tokenF1`` (a decimal), ``expectedText``,
        ``modelText`` and ``baseText``; None: the store does not have it.

    Raises:
        NotFoundError, VerificationError, IncompleteError, StorageError: Predictions cannot be read.
        LyrikstoreError: As :func:`read_generations`.

    Cost: one read of the test set.
    """
    with repo.blobs.open(present_attachments(repo, evaluation, "predictions")[0].id) as stream:
        found = read_generations(stream)
    raw = [one.to_bytes(8, "big") if isinstance(one, int) else one.raw for one in found.records]
    wanted = draw_sample(set(raw), SHOWN, found.seed)
    shown = [at for at, one in enumerate(raw) if one in wanted]
    records = (found.records[at] for at in shown)
    names: list[Name] = [one if isinstance(one, int) else one.hex for one in records]

    def read(config: Mapping[str, Any], tests: Sequence[Manifest]) -> Iterator[Any]:
        rows = chain.from_iterable(read_dataset_records(repo, one) for one in tests)
        return ((row.place, row.id, _answer(row.fields, config["data"])) for row in rows)

    texts = _texts(repo, evaluation, found)
    samples = []
    for at, about in zip(
        shown, _records(repo, evaluation, names, "expectedText", read), strict=True
    ):
        written: Sequence[str | None] = texts[at] if texts else (None,)
        score = found.outputs[at][0].token_f1
        about["tokenF1"] = f"{score // 1_000_000}.{score % 1_000_000:06d}"
        about["modelText"] = _cut(written[0])
        about["baseText"] = _cut(written[1] if len(written) > 1 else None)
        samples.append(about)
    return samples


def _records(
    repo: Repository, evaluation: Manifest, names: Sequence[Name], member: str, read: ReadTexts
) -> list[dict[str, Any]]:
    """Return the details of records; only place or id for records that cannot be read."""
    wanted = frozenset(names)
    found: dict[Name, dict[str, Any]] = {}
    try:
        checkpoint = repo.manifest(evaluation.inputs_in("checkpoint")[0].id)
        runs = [repo.manifest(item.id) for item in checkpoint.inputs_in("run")]
        tests = [repo.manifest(item.id) for item in evaluation.inputs_in("test")]
        config = {"data": {}, **(runs[0].body["config"] if runs else {})}
        for place, (at, record, text) in enumerate(read(config, tests) if names else ()):
            about = {"recordPlace": place, "record": record.hex, "recordAt": at}
            for name in wanted & {place, record.hex}:
                found.setdefault(name, {**about, member: _cut(text)})
    except StorageError:
        raise
    except LyrikstoreError:
        pass  # a clone without the data, or retired data: only the signed members are known
    nothing = {"recordPlace": None, "record": None, "recordAt": None, member: None}
    named = ("recordPlace" if isinstance(name, int) else "record" for name in names)
    return [
        dict(found.get(name, {**nothing, key: name}))
        for name, key in zip(names, named, strict=True)
    ]


def _texts(repo: Repository, evaluation: Manifest, found: Generations) -> Sequence[Sequence[str]]:
    """Return the generated texts of each record; empty: erased, or not in this store."""
    try:
        for attached in present_attachments(repo, evaluation, "outputs"):
            with repo.blobs.open(attached.id) as stream:
                return read_outputs(stream, found).texts
    except StorageError:
        raise
    except LyrikstoreError:
        pass
    return []


def _answer(fields: Any, data: Any) -> str:
    if "messages" in data:
        turns = fields.get(data["messages"])
        return str(turns[-1].get("content", "")) if isinstance(turns, list) and turns else ""
    return as_text(fields.get(data["completion"])) or ""


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= MAX_CHARACTERS:
        return text
    return text[:MAX_CHARACTERS] + "…"
