"""Verified copies of conversations, for workers that have no other data (spec §13.12.3)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import unknown_word
from lyrikstore.curate.readers import DOCUMENT
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.filters.contract import FilterRecord
from lyrikstore.curate.recipes.references import read_dataset_records
from lyrikstore.curate.recipes.source import source_reader
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.config import DataConfig
from lyrikstore.train.sft.prompts import AT_ONCE, Prompts, PromptSource, Turns, turns_of
from lyrikstore.train.worker.staging import Staging

MAX_TEXT_BYTES = 1 << 20
"""Longest text of one record, in bytes."""


class Conversations(Struct, frozen=True):
    """Summary of the copied conversations of datasets.

    Attributes:
        records: Record ids in storage order.
        rendered: Digest of all rendered prompts and completions.
        answers: The expected answers.
    """

    records: tuple[Digest, ...]
    rendered: Digest
    answers: tuple[str, ...] = ()


def copy_conversations(
    repo: Repository,
    manifests: Sequence[Manifest],
    data: DataConfig,
    prompts: tuple[PromptSource, Prompts],
    *,
    staging: Staging,
    name: str,
    chosen: frozenset[Digest] | None = None,
    choices: Mapping[str, str] | None = None,
) -> Conversations:
    """Write the rendered conversations of datasets as JSON Lines, every file checked.

    Args:
        repo: The store.
        manifests: Datasets of rows, one after the other.
        data: The fields of the conversations.
        prompts: The source of the prompts, and their renderer.
        staging: The folder to write to.
        name: The file to make there; lines are ``{"id", "prompt", "completion"}`` in storage order.
        chosen: Ids of the records to copy; None: all.
        choices: Permitted answer → its completion; None: any answer.

    Raises:
        InvalidInputError: (``no-reader``) the records are documents, which have no fields for
            prompts;
            (``unknown-column``) no record has the field; (``empty-completion``, ``empty-prompt``,
            ``bad-messages``, ``too-large``); (``no-choice``) an answer is not one of the choices;
            as
            :meth:`Prompts.render`; (``empty``) there are no records.
        VerificationError, IncompleteError: A blob is damaged or missing.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    source, rendering = prompts
    records: list[Digest] = []
    answers: list[str] = []
    hasher = blake3()
    found = _conversations(repo, manifests, data, source, choices)
    if chosen is not None:
        found = (one for one in found if one[0] in chosen)
    with staging.create(name) as write:
        while part := list(islice(found, AT_ONCE)):
            asked = rendering.render([turns for _, turns in part])
            for (record, turns), one in zip(part, asked, strict=True):
                for text in (one.prompt.encode(), one.completion.encode()):
                    hasher.update(len(text).to_bytes(8, "big") + text)
                records.append(record)
                answers.append(turns[-1]["content"])
                if choices and choices[answers[-1]] != one.completion:
                    raise InvalidInputError(
                        "bad-template",
                        f"record {record.hex[:12]}: the base model's chat template writes the "
                        f"answer {quote(answers[-1], 40)} differently after different prompts",
                        hint="leave out [prompt] choices, or commit the base with another template",
                    )
                line = {"id": record.hex, "prompt": one.prompt, "completion": one.completion}
                write(json.dumps(line).encode("ascii") + b"\n")
    if not records:
        raise InvalidInputError("empty", f"{manifests[0].name} has no records")
    return Conversations(tuple(records), Digest(hasher.digest()), tuple(answers))


def write_prompts(
    asked: Iterable[tuple[str, str]],
    prompts: tuple[PromptSource, Prompts],
    *,
    staging: Staging,
    name: str,
) -> None:
    """Write prompts without answers, in the form of :func:`copy_conversations`.

    Args:
        asked: Id and text of each record.
        prompts: The source of the prompts, and their renderer.
        staging: The folder to write to.
        name: The file to make there.

    Raises:
        InvalidInputError: As :meth:`Prompts.render`.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    source, rendering = prompts
    waiting = iter(asked)
    with staging.create(name) as write:
        while part := list(islice(waiting, AT_ONCE)):
            found = rendering.render([source.turns(text, "") for _, text in part], answered=False)
            for (record, _), one in zip(part, found, strict=True):
                line = {"id": record, "prompt": one.prompt, "completion": ""}
                write(json.dumps(line).encode("ascii") + b"\n")


def _conversations(
    repo: Repository,
    manifests: Sequence[Manifest],
    data: DataConfig,
    source: PromptSource,
    choices: Mapping[str, str] | None,
) -> Iterator[tuple[Digest, Turns]]:
    for manifest in manifests:
        if source_reader(manifest.body) == DOCUMENT:
            raise InvalidInputError(
                "no-reader",
                f"{manifest.name} is a dataset of documents, which have no fields for prompts",
                hint="commit rows: a JSONL, CSV or Parquet file with prompt and completion",
            )
        seen, found = set[str](), False
        for row in read_dataset_records(repo, manifest):
            seen.update(row.fields if not found else ())
            turns = _turns(row, data, source)
            if turns is None:
                continue
            found = True
            if choices and turns[-1]["content"] not in choices:
                raise InvalidInputError(
                    "no-choice",
                    f"{row.place}: the answer {quote(turns[-1]['content'], 80)} is not one "
                    "of [prompt] choices",
                    hint="add it to the choices; or change it in a filter with map/1, or drop such "
                    "records with where/1",
                )
            yield row.id, turns
        if not found:
            wanted = data.messages or data.completion
            raise unknown_word("unknown-column", f"field of {manifest.name}:", wanted, seen)


def has_conversation(row: FilterRecord, data: DataConfig) -> bool:
    """Return whether a row has any field of a conversation; rows without one are skipped."""
    return any(name in row.fields for name in _names(data))


def _names(data: DataConfig) -> tuple[str, ...]:
    return (data.messages,) if data.messages else (data.prompt, data.completion)


def _turns(row: FilterRecord, data: DataConfig, source: PromptSource) -> Turns | None:
    """Return the conversation of a row; None if it has no field of one."""
    if not has_conversation(row, data):
        return None
    if data.messages:
        turns = source.opened(turns_of(row.fields.get(data.messages), row.place))
    else:
        turns = source.turns(*(as_text(row.fields.get(name)) or "" for name in _names(data)))
    _check(row.place, turns)
    return turns


def _check(place: str, turns: Sequence[Mapping[str, Any]]) -> None:
    if sum(len(turn["content"]) for turn in turns) > MAX_TEXT_BYTES:
        raise InvalidInputError(
            "too-large",
            f"{place}: longer than {MAX_TEXT_BYTES} bytes",
            hint="divide it into several records",
        )
    for turn, name, kind in (
        (turns[-1], "completion", "empty-completion"),
        (turns[-2], "prompt", "empty-prompt"),
    ):
        if not turn["content"].strip():
            raise InvalidInputError(
                kind,
                f"{place} has an empty {name}",
                hint="drop such records in a filter: drop-empty/1 or where/1",
            )
