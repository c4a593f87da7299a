"""Probe records: texts that the sealed model and the deployed one both answer (spec §14.7.4).

A probe never contains records of a test set: it is redistributed with the model.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.json import parse
from lyrikstore.train.snapshot import MAX_TEXT_BYTES
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.task import AnswerRule, labelling_rules

MAX_PROBES = 1000
MAX_PROBE_BYTES = 16 << 20
TOLERANCE = WHOLE // 1000
"""The greatest allowed difference of a probability, in millionths."""

_LENGTHS = (1, 3, 8, 20, 60, 400)  # in words; the last is longer than most models read
_MADE = 24
_WORD = re.compile(r"[^\W\d_]{3,}")
_MARKS = "#\u0120\u2581"  # how tokenizers write the start or the inside of a word

Scores = NDArray[np.int32]
"""Millionths: records × labels."""


class TestPartCheck(Struct, frozen=True):
    """Comparison of a deployed and a sealed model on records of a test part.

    Attributes:
        dataset: The test part.
        records: Number of its records that were answered.
        agreeing: Number of these with the same answer.
        difference: The greatest difference of a probability, in millionths; None: the models give
            no probabilities.
    """

    __test__: ClassVar[bool] = False  # pytest does not collect it

    dataset: Digest
    records: int
    agreeing: int
    difference: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON: counts and figures, without content of records."""
        found = {"testSet": str(self.dataset), "count": self.records, "agreeing": self.agreeing}
        if self.difference is not None:
            found["greatestDifference"] = f"{self.difference / WHOLE:.6f}"
        return found


class DeployCheck(Struct, frozen=True):
    """Comparison of a deployed and a sealed model on probe records.

    Attributes:
        records: Number of probe texts.
        agreeing: Number of these with the same labels.
        difference: The greatest difference of a probability, in millionths.
        latency_ms: ``p50`` and ``p95`` of one answer in milliseconds, as decimal text.
        test: The comparison on records of the test part; None: there was none.
    """

    records: int
    agreeing: int
    difference: int
    latency_ms: dict[str, str]
    test: TestPartCheck | None = None

    @property
    def holds(self) -> bool:
        """Whether the answers are those of the sealed model."""
        return all(
            one.agreeing == one.records and (one.difference or 0) <= TOLERANCE
            for one in (self, self.test)
            if one is not None
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON; probabilities as decimal text."""
        return {
            "count": self.records,
            "agreeing": self.agreeing,
            "greatestDifference": f"{self.difference / WHOLE:.6f}",
            "tolerance": f"{TOLERANCE / WHOLE:.6f}",
            "latencyMs": self.latency_ms,
            **({} if self.test is None else {"testPart": self.test.to_json()}),
        }


def compare(
    task: str,
    rule: AnswerRule,
    sealed: Scores,
    deployed: Scores,
    latency_ms: dict[str, str],
    *,
    alike: NDArray[np.bool_] | bool = True,
) -> DeployCheck:
    """Compare the probabilities of a deployed model with those of the sealed one.

    Args:
        task: Name of the task.
        rule: How probabilities become labels.
        sealed: Scores of the sealed model.
        deployed: Scores of the deployed model.
        latency_ms: Latency of the deployed model.
        alike: For each record, whether both agree if it is unlike the training data.
    """
    given = [labelling_rules(task).given(one / WHOLE, rule) for one in (sealed, deployed)]
    same = (given[0] == given[1]).all(1) & alike
    difference = int(np.abs(sealed.astype(np.int64) - deployed).max(initial=0))
    return DeployCheck(len(sealed), int(same.sum()), difference, latency_ms)


def read_probe(path: Path) -> list[str]:
    """Return the texts of a probe file: one JSON object per line, with a member ``text``.

    Raises:
        InvalidInputError: (``bad-probe``) the file is malformed, or has too many or too long texts.
        StorageError: The file cannot be read.
        LyrikstoreError: As :func:`read_at_most`.
    """
    texts = []
    data = read_at_most(path, MAX_PROBE_BYTES + 1)
    if len(data) > MAX_PROBE_BYTES:
        raise _bad(path, f"it is longer than {MAX_PROBE_BYTES} bytes")
    for number, line in enumerate(data.splitlines(), 1):
        try:
            read = parse(line, max_bytes=2 * MAX_TEXT_BYTES, floats=True, nulls=True)
        except FormatError as error:
            raise _bad(path, f"line {number}: {error.message}") from None
        text = read.get("text") if isinstance(read, dict) else None
        if not isinstance(text, str) or len(text.encode()) > MAX_TEXT_BYTES:
            raise _bad(path, f"line {number} has no member `text` with a text")
        texts.append(text)
    if not 0 < len(texts) <= MAX_PROBES:
        raise _bad(path, f"it has {len(texts)} lines; 1 to {MAX_PROBES} are allowed")
    return texts


def made_probe(vocabularies: Sequence[bytes], labels: Sequence[str]) -> list[str]:
    """Return probe texts, made of words of the model's vocabulary and its labels.

    Args:
        vocabularies: JSON files of terms, or of a tokenizer.
        labels: The labels of the model.
    """
    found = {word for data in vocabularies for word in _words(json.loads(data))}
    words = sorted(found) or ["text"]
    texts = ["", "\u2014"]
    for number in range(_MADE):
        length = _LENGTHS[number % len(_LENGTHS)]
        chosen = [words[_draw(number, at) % len(words)] for at in range(length)]
        if number % 2:
            chosen.insert(0, labels[number % len(labels)])
        texts.append(" ".join(chosen))
    return texts


def _draw(number: int, place: int) -> int:
    digest = Digest.of(f"lyrikstore probe {number} {place}".encode())
    return int.from_bytes(digest.raw[:8], "little")


def _words(read: Any) -> Iterator[str]:
    if isinstance(read, dict):
        read = read.get("model", {}).get("vocab", ())
    for entry in read:
        term = entry[0] if isinstance(entry, list) else entry  # some entries are lists with a score
        for word in str(term).split(" "):
            bare = word.lstrip(_MARKS)
            if _WORD.fullmatch(bare):
                yield bare


def _bad(path: Path, reason: str) -> InvalidInputError:
    return InvalidInputError(
        "bad-probe",
        f"{path}: {reason}",
        hint='write one JSON object per line, such as {"text": "Either party may terminate."}',
    )
