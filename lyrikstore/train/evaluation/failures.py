"""Worst failures with their texts, for whoever holds the data; never signed (spec §13.9.8)."""

from msgspec import Struct

from lyrikstore.canon.errors import LyrikstoreError, StorageError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.evaluation.answers import fields_of
from lyrikstore.train.snapshot import read_with_ids

MAX_CHARACTERS = 2000
"""Characters of a text that are shown."""


class FailureText(Struct, frozen=True, rename="camel"):
    """A record that the model got wrong.

    Attributes:
        record: Its id, 64 hex digits.
        expected: What is right.
        predicted: What the model said.
        probability: How sure it was.
        record_text: The text, or its beginning; None: it cannot be read here.
    """

    record: str
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
    wanted = {one["record"] for one in evaluation.body.get("worst", ())}
    texts: dict[str, str] = {}
    try:
        checkpoint = repo.manifest(evaluation.inputs_in("checkpoint")[0].id)
        run = repo.manifest(checkpoint.inputs_in("run")[0].id)
        tests = [repo.manifest(one.id) for one in evaluation.inputs_in("test")]
        fields = fields_of(run.body["config"], label="")
        for record, text in read_with_ids(repo, tests, fields) if wanted else ():
            if record.hex in wanted:
                cut = text[:MAX_CHARACTERS]
                texts.setdefault(record.hex, cut + ("…" if len(text) > MAX_CHARACTERS else ""))
    except StorageError:
        raise
    except LyrikstoreError:
        pass  # a clone without the data, or data that was retired: the ids are what there is
    return [
        FailureText(
            one["record"],
            one.get("expected", ""),
            one.get("predicted", ""),
            one.get("probability", ""),
            texts.get(one["record"]),
        )
        for one in evaluation.body.get("worst", ())
    ]
