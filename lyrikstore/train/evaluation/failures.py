"""Worst failures with their texts, for whoever holds the data; never signed (spec §13.9.8)."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import LyrikstoreError, StorageError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.evaluation.answers import fields_of
from lyrikstore.train.snapshot import read_found

MAX_CHARACTERS = 2000
"""Characters of a text that are shown."""


class FailureText(Struct, frozen=True, rename="camel"):
    """A record that the model got wrong.

    Attributes:
        record_place: Its number in storage order of the test set, from 0; None: its id was signed,
            and it cannot be read here.
        record: Its id, 64 hex digits; None: it cannot be read here.
        record_at: Where it is: a path, of rows ``PATH:LINE``; None: it cannot be read here.
        expected: What is right.
        predicted: What the model said.
        probability: How sure it was.
        record_text: The text, or its beginning; None: it cannot be read here.
    """

    record_place: int | None
    record: str | None
    record_at: str | None
    expected: str
    predicted: str
    probability: str
    record_text: str | None


def read_failures(repo: Repository, evaluation: Manifest) -> list[FailureText]:
    """Return the worst failures of an evaluation, each with its text if that is here.

    Args:
        repo: The store.
        evaluation: An evaluation.

    Raises:
        StorageError: Storage backend error.

    Cost: one read of the test set.
    """
    worst = evaluation.body.get("worst", ())
    if not worst:
        return []
    wanted = {_name(one) for one in worst}
    found: dict[int | str, tuple[int, str, str, str]] = {}
    try:
        checkpoint = repo.manifest(evaluation.inputs_in("checkpoint")[0].id)
        run = repo.manifest(checkpoint.inputs_in("run")[0].id)
        tests = [repo.manifest(one.id) for one in evaluation.inputs_in("test")]
        fields = fields_of(run.body["config"], label="")
        for place, (at, record, text) in enumerate(read_found(repo, tests, fields)):
            for name in wanted & {place, record.hex}:
                cut = text[:MAX_CHARACTERS] + ("…" if len(text) > MAX_CHARACTERS else "")
                found.setdefault(name, (place, record.hex, at, cut))
    except StorageError:
        raise
    except LyrikstoreError:
        pass  # a clone without the data, or data that was retired: what was signed is what there is
    return [_told(one, found.get(_name(one))) for one in worst]


def _name(one: Mapping[str, Any]) -> int | str:
    name: int | str = one["place"] if "place" in one else one["record"]
    return name


def _told(one: Mapping[str, Any], found: tuple[int, str, str, str] | None) -> FailureText:
    place, record, at, text = found or (one.get("place"), one.get("record"), None, None)
    expected, predicted, sure = (
        one.get(name, "") for name in ("expected", "predicted", "probability")
    )
    return FailureText(place, record, at, expected, predicted, sure, text)
