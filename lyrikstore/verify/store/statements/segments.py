"""Segments of a run: what is signed, which are drawn, what a draw can miss (spec §13.14.1).

Where a run took steps, a checkpoint may carry a digest of the state of training after every so many
of them. Whoever doubts it replays some, drawn by what the trainer could not know.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_UP, Decimal
from typing import Any

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode, parse

FORMAT = "segments/1"
ROLE = "segments"
"""Role of the attachment that lists them, and the member of the body that counts them."""

POINT_ROLE = "point"
"""Role of the attachments that segments are replayed from, in the order of the segments."""

CANDIDATES_WITH_STEPS = frozenset({"lora", "full", "decoder"})
"""Those whose training takes steps, and so has segments."""

MAX_BYTES = 1 << 22
MOST = 100
"""How many segments there are at most, beside one more for each epoch."""

_CONTEXT = "lyrikstore 2026-11 drawn segments"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FLOAT = re.compile(r"-?0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4}|")
_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,9})?")
_MEMBERS = {"format", "candidate", "steps", "states"}
_COUNTS = ("step", "epoch", "batch", "bestEpoch")
_LISTS = ("trainLosses", "scores")


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
        """Step, epoch, and batch of it."""
        return self.position["step"], self.position["epoch"], self.position["batch"]

    def is_at(self, place: tuple[int, int, int]) -> bool:
        """Return whether it is where it has to be, and training can go on from its position."""
        best, epochs = self.position["bestScore"], self.position["epoch"]
        return (
            self.place == place
            and all(len(self.position[name]) == epochs for name in _LISTS)
            and len(self.position["kept"]) <= epochs
            and _is_finite(self.position["loss"])
            and (not best or _is_finite(best))
        )


class SegmentList(Struct, frozen=True):
    """What is signed of the segments of a run.

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
        """How many segments there are."""
        return len(self.states) - 1

    def encode(self) -> bytes:
        """Return the attachment."""
        states = [{"position": dict(one.position), "state": one.state} for one in self.states]
        return encode(
            {
                "format": FORMAT,
                "candidate": self.candidate,
                "steps": self.steps,
                "states": states,
            }
        )


def read_segments(data: bytes) -> SegmentList:
    """Return what an attachment lists.

    Raises:
        FormatError: (``bad-segments``) it is none.
    """
    document: Any = parse(data, max_bytes=MAX_BYTES)
    fine = (
        isinstance(document, dict)
        and document.keys() == _MEMBERS
        and document["format"] == FORMAT
        and document["candidate"] in CANDIDATES_WITH_STEPS
        and type(document["steps"]) is int
        and document["steps"] > 0
        and isinstance(document["states"], list)
        and len(document["states"]) > 1
        and all(_is_state(one) for one in document["states"])
    )
    if not fine:
        raise FormatError("bad-segments", "that is no list of segments")
    states = tuple(SegmentState(one["position"], one["state"]) for one in document["states"])
    return SegmentList(document["candidate"], document["steps"], states)


def _is_state(one: Any) -> bool:
    if not isinstance(one, dict) or one.keys() != {"position", "state"}:
        return False
    at = one["position"]
    names = {*_COUNTS, *_LISTS, "loss", "bestScore", "kept"}
    if not isinstance(at, dict) or at.keys() != names or not _matches(_DIGEST, one["state"]):
        return False
    numbers = [*(at[name] for name in _COUNTS), *(at["kept"] if _is_list(at["kept"]) else [None])]
    return (
        all(type(value) is int and 0 <= value < 1 << 53 for value in numbers)
        and all(_matches(_FLOAT, at[name]) for name in ("loss", "bestScore"))
        and all(
            _is_list(at[name]) and all(_matches(_DECIMAL, text) for text in at[name])
            for name in _LISTS
        )
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 10_000


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def steps_of(wanted: int, records: int, batch_size: int, epochs: int) -> int:
    """Return the steps of a segment: those wanted, or so many that there are few enough.

    Rows of a model that writes hold a record at least each, so of these there are fewer still.

    Args:
        wanted: What the config says.
        records: Records of the training data.
        batch_size: Records of a step.
        epochs: The most epochs.
    """
    return max(wanted, -(-(-(-records // batch_size) * epochs) // MOST))


def places(epochs: Sequence[int], steps: int) -> list[tuple[int, int, int]]:
    """Return where segments begin and end: step, epoch, and batch of it.

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


def find_odd(
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
    told = checkpoint.get("segments", {})
    if not (announced == segments.steps == told.get("steps")) or told["count"] != segments.count:
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
