"""Segments of a run: the signed list, the drawn ones, the chance to miss one (spec §13.14.1).

Where a run took steps, a checkpoint may carry a digest of the state of training after every so many
of them. Whoever doubts it replays some, drawn by what the trainer could not know.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_UP, Decimal
from typing import Annotated, Any, Literal, get_args

from blake3 import blake3
from msgspec import Meta, Struct, ValidationError, convert

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import as_json, encode, parse

FORMAT = "segments/1"
ROLE = "segments"
"""Role of the attachment that lists the segments, and the member of the body with their number."""

POINT_ROLE = "point"
"""Role of the attachments with the first states of segments, in the order of the segments."""

_WithSteps = Literal["lora", "full", "decoder"]
CANDIDATES_WITH_STEPS = frozenset(get_args(_WithSteps))
"""Candidates that are trained in steps, and so have segments."""

MAX_BYTES = 1 << 22
MOST = 100
"""Most segments of a run, besides one for each epoch."""

_CONTEXT = "lyrikstore 2026-11 drawn segments"
_LISTS = ("trainLosses", "scores")

_Hash = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Float = Annotated[str, Meta(pattern=r"\A(-?0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4})?\Z")]
_Decimal = Annotated[str, Meta(pattern=r"\A-?[0-9]{1,20}(\.[0-9]{1,9})?\Z")]
_Count = Annotated[int, Meta(ge=0, lt=1 << 53)]
_Counts = Annotated[list[_Count], Meta(max_length=10_000)]
_Decimals = Annotated[list[_Decimal], Meta(max_length=10_000)]


class _WrittenPosition(Struct, forbid_unknown_fields=True, rename="camel"):
    step: _Count
    epoch: _Count
    batch: _Count
    best_epoch: _Count
    kept: _Counts
    loss: _Float
    best_score: _Float
    train_losses: _Decimals
    scores: _Decimals


class _WrittenState(Struct, forbid_unknown_fields=True):
    position: _WrittenPosition
    state: _Hash


class _Written(Struct, forbid_unknown_fields=True):
    format: Literal["segments/1"]
    candidate: _WithSteps
    steps: Annotated[int, Meta(gt=0)]
    states: Annotated[list[_WrittenState], Meta(min_length=2)]


class SegmentState(Struct, frozen=True):
    """The state of training where a segment ends and the next one begins.

    Attributes:
        position: How far training is.
        state: Digest of position, weights, optimizer and random numbers; 64 hex digits.
    """

    position: Mapping[str, Any]
    state: str

    @property
    def place(self) -> tuple[int, int, int]:
        """Step, epoch, and batch in the epoch."""
        return self.position["step"], self.position["epoch"], self.position["batch"]

    def is_at(self, place: tuple[int, int, int]) -> bool:
        """Return whether a state has the required position, from which training can continue."""
        best, epochs = self.position["bestScore"], self.position["epoch"]
        return (
            self.place == place
            and all(len(self.position[name]) == epochs for name in _LISTS)
            and len(self.position["kept"]) <= epochs
            and _is_finite(self.position["loss"])
            and (not best or _is_finite(best))
        )


class SegmentList(Struct, frozen=True):
    """The signed list of the segments of a run.

    Attributes:
        candidate: Which was trained.
        steps: Steps of a segment that no epoch ends.
        states: The first is that before the first step; segment n leads from n to n + 1.
    """

    candidate: str
    steps: int
    states: tuple[SegmentState, ...]

    @property
    def count(self) -> int:
        """Number of segments."""
        return len(self.states) - 1

    def encode(self) -> bytes:
        """Return the attachment."""
        return encode({"format": FORMAT, **as_json(self)})


def read_segments(data: bytes) -> SegmentList:
    """Return the list in an attachment.

    Raises:
        FormatError: (``bad-segments``) it is none.
    """
    document: Any = parse(data, max_bytes=MAX_BYTES)
    try:
        convert(document, _Written)
    except ValidationError:
        raise FormatError("bad-segments", "not a list of segments") from None
    states = tuple(SegmentState(one["position"], one["state"]) for one in document["states"])
    return SegmentList(document["candidate"], document["steps"], states)


def steps_of(wanted: int, records: int, batch_size: int, epochs: int) -> int:
    """Return the steps of a segment: the wanted number, or more if there were too many segments.

    Rows of a generative model hold a record at least each, so of these there are fewer still.

    Args:
        wanted: What the config says.
        records: Records of the training data.
        batch_size: Records of a step.
        epochs: The most epochs.
    """
    return max(wanted, -(-(-(-records // batch_size) * epochs) // MOST))


def places(epochs: Sequence[int], steps: int) -> list[tuple[int, int, int]]:
    """Return the limits of the segments: step, epoch, and batch in the epoch.

    Args:
        epochs: Steps of each epoch.
        steps: Steps of a segment; one ends where an epoch ends, too.
    """
    found = [(0, 0, 0)]
    begin = 0
    for epoch, each in enumerate(epochs):
        found += [
            (begin + batch, epoch, batch)
            for batch in range(1, each)
            if (begin + batch) % steps == 0
        ]
        begin += each
        found.append((begin, epoch + 1, 0))
    return found


def _is_finite(text: str) -> bool:
    try:
        float.fromhex(text)
    except (ValueError, OverflowError):
        return False
    return True


def find_problems(
    segments: SegmentList,
    run: Mapping[str, Any],
    checkpoint: Mapping[str, Any],
    epochs: Sequence[int],
) -> str:
    """Return why these cannot be the segments of a checkpoint; empty if they can.

    Args:
        segments: What it carries.
        run: Body of its run, with what its config leaves out.
        checkpoint: Its body.
        epochs: Steps of each epoch, as they follow from data and config.
    """
    training = run["config"]["training"]
    announced = run.get("segments", {}).get("steps")
    recorded = checkpoint.get("segments", {})
    if (
        not (announced == segments.steps == recorded.get("steps"))
        or recorded["count"] != segments.count
    ):
        return "they are not those that were announced"
    wanted = places(epochs, segments.steps)
    end = segments.states[-1].position
    # ATTACK A62: one long segment, or one left out, where nobody would draw it.
    if (
        len(segments.states) > len(wanted)
        or not all(map(SegmentState.is_at, segments.states, wanted))
        or end["batch"]
    ):
        return "they do not begin and end where they have to"
    # ATTACK A62: training that ends where it suits.
    if end["epoch"] < training["epochs"] and (
        training["keep"] != "best" or end["epoch"] - 1 - end["bestEpoch"] < training["patience"]
    ):
        return "training did not end there"
    last = end["bestEpoch"] + 1 if training["keep"] == "best" else end["epoch"]
    if (checkpoint["epoch"], checkpoint["step"]) != (
        str(last),
        sum(epochs[:last]),
    ):
        return "the checkpoint is of another epoch"
    return ""


def draw_segments(count: int, wanted: int, *, nonce: bytes, size: int, root: bytes) -> list[int]:
    """Return the numbers of the segments that are drawn, ascending.

    Args:
        count: How many there are.
        wanted: How many are drawn; all, where there are fewer.
        nonce: What nobody knew before.
        size: Of the log, when they are drawn.
        root: Its root hash then.
    """
    seed = size.to_bytes(8, "big") + root + nonce

    def key(number: int) -> bytes:
        return blake3(seed + number.to_bytes(8, "big"), derive_key_context=_CONTEXT).digest()

    return sorted(sorted(range(count), key=key)[:wanted])


def miss_chance(count: int, drawn: int) -> str:
    """Return the probability that one forged segment of ``count`` is not among those drawn."""
    share = 1 - Decimal(min(drawn, count)) / Decimal(count)
    return f"{share.quantize(Decimal('0.0001'), ROUND_UP):f}"
