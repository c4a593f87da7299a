"""``generations/1``, and the members of an evaluation that follow from it (spec §13.12.8)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, BinaryIO, Literal, TypeVar

import msgspec
import numpy as np
from blake3 import blake3
from msgspec import Meta, Struct
from numpy.typing import NDArray

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode, parse_canonical
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.generation.texts import BASE_MODEL, WrittenAnswer
from lyrikstore.verify.evaluation.measures import BILLION, FEWEST, decimal
from lyrikstore.verify.evaluation.resample import LEVEL, RESAMPLES, draws, ends

FORMAT = "generations/1"
METRIC, METRIC_OF_CHOICES = "tokenF1", "exactMatch"
"""The metric that decides, and the one where the answers are choices."""

STATED = frozenset(
    {
        *("actual", "environment", "outsideChoices", "overlap", "plan", "prompt", "rights"),
        "split",
    }
)
"""Members of an evaluation that do not follow from what was written."""

_MEASURES = ("tokenF1", "exactMatch", "refusals", "cutOff", "meanTokens")
MAX_RECORDS, MAX_LINE = 1 << 20, 1 << 16
_WORST = 20
_T = TypeVar("_T")
_SAMPLE = "lyrikstore 2026-11 sample"

_Hex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
_Count = Annotated[int, Meta(ge=0, le=1 << 24)]


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    answerers: Annotated[list[str], Meta(min_length=1, max_length=2)]
    format: Literal["generations/1"]
    of: _Count
    seed: Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
    task: Literal["sft"]


class _Output(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    ended: bool
    exact: bool
    output_blake3: _Hex
    refused: bool
    token_f1: Annotated[int, Meta(ge=0, le=WHOLE)]
    tokens: _Count


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    outputs: list[_Output]
    record: _Hex


class Generations(Struct, frozen=True):
    """What model and base wrote of some records of a test set.

    Attributes:
        records: Their ids, in the order of the test set.
        outputs: Of each record, those of the model and of the base.
        of: How many records the test set has.
        seed: Of the sample, where not all were asked.
    """

    records: tuple[Digest, ...]
    outputs: tuple[tuple[WrittenAnswer, ...], ...]
    of: int
    seed: int

    @property
    def answerers(self) -> int:
        """How many wrote."""
        return len(self.outputs[0])


def sample_records(records: Sequence[Digest], count: int, seed: int) -> frozenset[Digest]:
    """Return the records that are asked where not all are.

    Args:
        records: Those of the test set.
        count: How many are wanted.
        seed: That of the run, so that nobody chooses.
    """
    prefix = seed.to_bytes(8, "big")

    def key(record: Digest) -> bytes:
        return blake3(prefix + record.raw, derive_key_context=_SAMPLE).digest()

    return frozenset(sorted(set(records), key=key)[:count])


def write_generations(found: Generations) -> Iterator[bytes]:
    """Yield the lines of the attachment."""
    head = {
        "answerers": ["model", "base"][: found.answerers],
        "format": FORMAT,
        "of": found.of,
        "seed": found.seed,
        "task": "sft",
    }
    yield encode(head) + b"\n"
    for record, outputs in zip(found.records, found.outputs, strict=True):
        yield encode({"outputs": list(map(_output, outputs)), "record": record.hex}) + b"\n"


def _output(one: WrittenAnswer) -> dict[str, Any]:
    return {
        "ended": one.ended,
        "exact": one.exact,
        "outputBlake3": one.output.hex,
        "refused": one.refused,
        "tokenF1": one.token_f1,
        "tokens": one.tokens,
    }


def read_generations(stream: BinaryIO) -> Generations:
    """Return what an attachment holds.

    Raises:
        FormatError: (``bad-predictions``) it is no such attachment.
    """
    lines = _lines(stream)
    head = _parse(next(lines, b""), _Head, 1)
    if head.answerers != ["model", "base"][: len(head.answerers)]:
        raise _bad(1)
    records: list[Digest] = []
    outputs: list[tuple[WrittenAnswer, ...]] = []
    for number, data in enumerate(lines, start=2):
        line = _parse(data, _Line, number)
        if len(line.outputs) != len(head.answerers) or number > MAX_RECORDS:
            raise _bad(number)
        records.append(Digest.parse_hex(line.record))
        outputs.append(tuple(map(_answer, line.outputs)))
    if not records:
        raise _bad(2)
    return Generations(tuple(records), tuple(outputs), head.of, head.seed)


def _answer(one: _Output) -> WrittenAnswer:
    output = Digest.parse_hex(one.output_blake3)
    return WrittenAnswer(output, one.exact, one.token_f1, one.refused, one.tokens, one.ended)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE or not line.endswith(b"\n"):
            raise _bad(0)
        yield line[:-1]


def _parse(data: bytes, kind: type[_T], number: int) -> _T:
    try:
        return msgspec.convert(parse_canonical(data, max_bytes=MAX_LINE), kind)
    except (FormatError, msgspec.ValidationError):
        raise _bad(number) from None


def _bad(number: int) -> FormatError:
    return FormatError(
        "bad-predictions",
        f"line {number} of the predictions cannot be",
        hint="the file is damaged, or was made by another version",
    )


def generation_body(found: Generations, *, seed: int, choices: bool = False) -> dict[str, Any]:
    """Return every member of an evaluation's body that follows from what was written.

    Args:
        found: What was written.
        seed: Of the resampling: that of the run.
        choices: Whether the answers are choices.

    Returns:
        ``count``, ``task``, ``predictions``, ``outputs``, ``model``, ``confidence``, ``worst``, and
        where the base wrote, too, ``baseline`` and ``comparisons``.

    Cost: 1,000 resamples of all records.
    """
    count = len(found.records)
    tables = [_table([one[at] for one in found.outputs]) for at in range(found.answerers)]
    resampled = None
    if count >= FEWEST:
        resampled = np.stack(
            [
                np.stack([_means(table, weights) for table in tables])
                for weights in draws(count, seed=seed)
            ]
        )
    values = [_means(table, np.ones(count, np.int64)) for table in tables]
    systems = [
        {
            "measures": {
                name: _figure(
                    int(values[at][column]),
                    None if resampled is None else resampled[:, at, column],
                )
                for column, name in enumerate(_MEASURES)
            }
        }
        for at in range(found.answerers)
    ]
    body: dict[str, Any] = {
        "count": count,
        "task": "sft",
        "predictions": {"format": FORMAT, "count": count},
        "outputs": {"count": count * found.answerers},
        "model": systems[0],
        "confidence": {
            "method": "bootstrap",
            "level": LEVEL,
            "resamples": RESAMPLES if count >= FEWEST else 0,
            "seed": seed,
        },
        "worst": _worst(found, choices=choices),
    }
    if found.answerers > 1:
        body["baseline"] = {"method": BASE_MODEL, **systems[1]}
        metric = METRIC_OF_CHOICES if choices else METRIC
        at = _MEASURES.index(metric)
        difference = _figure(
            int(values[0][at] - values[1][at]),
            None if resampled is None else resampled[:, 0, at] - resampled[:, 1, at],
        )
        compared = {"baseline": BASE_MODEL, "metric": metric, "difference": difference}
        body["comparisons"] = [{**compared, "verdict": _verdict(difference)}]
    return body


def _verdict(difference: Mapping[str, str]) -> str:
    low, high = (float(difference.get(end, "0")) for end in ("low", "high"))
    return "better" if low > 0 else "worse" if high < 0 else "no-difference-shown"


def _table(outputs: Sequence[WrittenAnswer]) -> NDArray[np.int64]:
    """Return records × measures, in millionths; tokens as they are."""
    rows = [
        (
            one.token_f1,
            WHOLE * one.exact,
            WHOLE * one.refused,
            WHOLE * (not one.ended),
            WHOLE * one.tokens,
        )
        for one in outputs
    ]
    return np.asarray(rows, np.int64)


def _means(table: NDArray[np.int64], weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return means in billionths, rounded down."""
    sums = weights @ table
    return np.asarray(sums * (BILLION // WHOLE) // max(1, int(weights.sum())), np.int64)


def _figure(value: int, resampled: NDArray[np.int64] | None) -> dict[str, str]:
    written = {"value": decimal(value)}
    if resampled is not None:
        low, high = ends(resampled)
        written |= {"low": decimal(low), "high": decimal(high)}
    return written


def _worst(found: Generations, *, choices: bool) -> list[dict[str, str]]:
    """Return the records of the model with the least of what decides, of equals the first."""
    own = [outputs[0] for outputs in found.outputs]
    scores = [WHOLE * one.exact if choices else one.token_f1 for one in own]
    order = sorted(range(len(scores)), key=lambda at: (scores[at], at))
    return [
        {"record": found.records[at].hex, "score": f"0.{scores[at]:06d}"}
        for at in order[:_WORST]
        if scores[at] < WHOLE
    ]


def find_generation_difference(
    body: Mapping[str, Any], found: Generations, *, measured: Iterable[str]
) -> str:
    """Return the first member of an evaluation that is not what follows; empty: all is.

    Args:
        body: Of the evaluation.
        found: What its attachment holds.
        measured: Members of ``model`` and ``baseline`` that do not follow from it.
    """
    seed = int(body.get("confidence", {}).get("seed", 0))
    choices = bool(body.get("prompt", {}).get("choices"))
    computed = generation_body(found, seed=seed, choices=choices)
    left_out = frozenset(measured)
    # ATTACK: figures that nothing gives, such as thresholds that are met.
    if others := sorted(body.keys() - computed.keys() - STATED - {"baseline", "comparisons"}):
        return f"{others[0]} does not follow from what was written"
    if body.get("overlap", {}).keys() - {"exact", "checked"}:
        return "overlap does not follow from what was written"
    for name in sorted(computed.keys() | ({"baseline", "comparisons"} & body.keys())):
        signed = body.get(name)
        if name in {"model", "baseline"} and isinstance(signed, dict):
            signed = {key: one for key, one in signed.items() if key not in left_out}
        if signed != computed.get(name):
            return f"{name} is not what the predictions give"
    return ""
