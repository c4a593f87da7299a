"""Makes ``reproductions/``: verdicts, reasons, drawn segments and digests of states.

``verdicts.json`` (spec §13.14): what was compared, with the ``tolerances`` of the run, and the
verdict; ``environment`` and ``code`` of a run and of its reproduction, and the reasons. They are
written by hand. ``segments.json`` (spec §13.14.1): which segments are drawn, the chance to miss
one, and digests of states, worked out from the text of the spec. Decimals are compared as such:
nothing is computed in floats.
"""

import json
from decimal import ROUND_UP, Decimal
from typing import Any

from blake3 import blake3

Row = dict[str, Any]

TOLERANCES = {
    "weightsAbsolute": "0.0001",
    "weightsRelative": "0.001",
    "differences": {"validationMacroF1": "0.005"},
}
TREE, OTHER = "blake3:" + "11" * 32, "blake3:" + "22" * 32
SAME = {"checkpoint": "blake3:" + "cc" * 32, "tree": TREE}
FILES = {"files": {"model.safetensors": "blake3:" + "33" * 32}}
CLOSE = {**SAME, "tree": OTHER, **FILES, "weights": {"absolute": "0.0001", "relative": "0.001"}}


def compared() -> list[Row]:
    """Return what whole runs gave, and the verdicts."""

    def case(name: str, verdict: str, *some: Row, **more: Any) -> Row:
        limits = {"tolerances": more.pop("tolerances", TOLERANCES)}
        return {"id": name, **limits, "compared": list(some), **more, "verdict": verdict}

    def close(name: str, verdict: str, **more: Any) -> Row:
        return case(name, verdict, {**CLOSE, **more})

    far = {**CLOSE, "weights": {"absolute": "0.000100000001", "relative": "0.001"}}
    bare = {name: value for name, value in CLOSE.items() if name != "weights"}
    return [
        case("same-bytes", "match", SAME),
        case("same-bytes-elsewhere", "match", SAME, reasons=["other-environment", "other-code"]),
        case("same-bytes-without-tolerances", "match", SAME, tolerances=None),
        case("two-checkpoints", "match", SAME, SAME),
        case("nothing-compared", "inconclusive"),
        case("nothing-came", "mismatch", {"checkpoint": SAME["checkpoint"]}),
        case("one-of-two-came", "mismatch", SAME, {"checkpoint": SAME["checkpoint"]}),
        case("input-missing", "inconclusive", reasons=["input-missing"]),
        close("at-the-tolerances", "within-tolerance"),
        case("one-the-same-one-close", "within-tolerance", SAME, CLOSE),
        case("close-elsewhere", "within-tolerance", CLOSE, reasons=["other-environment"]),
        case("beyond-the-absolute", "mismatch", far),
        case("beyond-the-absolute-elsewhere", "inconclusive", far, reasons=["other-environment"]),
        case("beyond-the-absolute-with-other-code", "inconclusive", far, reasons=["other-code"]),
        close("beyond-the-relative", "mismatch",
              weights={"absolute": "0", "relative": "0.0011"}),
        case("one-close-one-far", "mismatch", CLOSE, far),
        case("close-without-tolerances", "mismatch", CLOSE, tolerances=None),
        case("no-limit-of-weights", "mismatch", CLOSE,
             tolerances={"differences": {"validationMacroF1": "0.005"}}),
        case("other-weights-by-name", "mismatch", bare),
        close("metric-at-its-tolerance", "within-tolerance",
              metrics={"validationMacroF1": "0.005"}),
        close("metric-beyond-its-tolerance", "mismatch",
              metrics={"validationMacroF1": "0.0051"}),
        close("metric-that-decides-nothing", "within-tolerance",
              metrics={"trainLoss": "3"}),
        close("what-follows-from-weights", "within-tolerance",
              differs=["chosen", "decision", "history", "unlike"]),
        close("another-step", "mismatch", differs=["step"]),
        close("other-labels", "mismatch", differs=["decision", "labels"]),
        close("other-metrics", "mismatch", differs=["metrics"]),
        case("same-bytes-other-figures", "mismatch",
             {**SAME, "metrics": {"validationMacroF1": "0.001"}}),
        case("same-bytes-other-decision", "mismatch", {**SAME, "differs": ["decision"]}),
        case("other-prompt", "mismatch",
             {"checkpoint": SAME["checkpoint"], "differs": ["prompt"]}),
        case("other-prompt-elsewhere", "inconclusive",
             {"checkpoint": SAME["checkpoint"], "differs": ["prompt"]},
             reasons=["other-environment"]),
    ]  # fmt: skip


def reasons() -> list[Row]:
    """Return environments and code of runs and reproductions, and what follows."""
    environment = {
        "platform": "Linux-6.1; Processor A (avx2)",
        "python": "CPython 3.11.7",
        "packages": {"numpy": "2.4.6", "torch": "2.13.0"},
        "threads": 2,
        "precision": "fp32",
    }
    code = {"package": "lyrikstore", "version": "0.1.0", "digest": "blake3:" + "44" * 32}

    def case(name: str, follows: list[str], *, by: Row | None = None, **changes: Any) -> Row:
        return {
            "id": name,
            "run": {"environment": environment, "code": code},
            "reproduction": {"environment": {**environment, **changes}, "code": by or code},
            "reasons": follows,
        }

    other = ["other-environment"]
    return [
        case("the-same", []),
        case("another-kernel", [], platform="Linux-6.2; Processor A (avx2)"),
        case("another-processor", other, platform="Linux-6.1; Processor B (avx2)"),
        case("other-instructions", other, platform="Linux-6.1; Processor A (avx2 avx512f)"),
        case("another-package", other, packages={"numpy": "2.4.7", "torch": "2.13.0"}),
        case("a-package-more", other, packages={**environment["packages"], "scipy": "1.17.1"}),  # type: ignore[dict-item]
        case("a-package-less", other, packages={"numpy": "2.4.6"}),
        case("other-threads", other, threads=1),
        case("another-precision", other, precision="bf16"),
        case("another-python", other, python="CPython 3.13.1"),
        case("a-member-more", other, accelerator="a GPU"),
        case("other-sources", ["other-code"], by={**code, "digest": "blake3:" + "55" * 32}),
        case("another-version", ["other-code"], by={**code, "version": "0.2.0"}),
        case("both", [*other, "other-code"], by={**code, "version": "0.2.0"}, threads=4),
    ]


def replayed() -> list[Row]:
    """Return what drawn segments gave, and the verdicts."""
    state = [f"{number:064x}" for number in range(4)]
    start = {"expected": state[0], "found": state[0]}
    one, two = ({"number": n, "expected": state[n + 1], "found": state[n + 1]} for n in (0, 2))
    wrong = {**two, "found": "f" * 64}

    def case(name: str, verdict: str, *done: Row, **more: Any) -> Row:
        segments: Row = {"drawn": [0, 2], "start": more.pop("start", start), "replayed": list(done)}
        segments = {key: value for key, value in segments.items() if value is not None}
        return {"id": name, "segments": segments, "compared": more.pop("compared", [SAME]), **more,
                "verdict": verdict}  # fmt: skip

    return [
        case("all-drawn-again", "match", one, two),
        case("all-drawn-again-elsewhere", "match", one, two, reasons=["other-environment"]),
        case("one-not-kept", "inconclusive", one, reasons=["not-kept"]),
        case("one-twice", "inconclusive", one, one),
        case("in-another-order", "inconclusive", two, one),
        case("no-start", "inconclusive", one, two, start=None),
        case("no-model", "inconclusive", one, two, compared=[]),
        case("model-not-made", "inconclusive", one, two,
             compared=[{"checkpoint": SAME["checkpoint"]}]),
        case("another-state", "mismatch", one, wrong),
        case("another-state-and-one-not-kept", "mismatch", wrong, reasons=["not-kept"]),
        case("another-state-elsewhere", "inconclusive", one, wrong, reasons=["other-environment"]),
        case("another-state-by-other-code", "inconclusive", one, wrong, reasons=["other-code"]),
        case("another-start", "mismatch", one, two,
             start={"expected": state[0], "found": "e" * 64}),
        case("another-model", "mismatch", one, two, compared=[{**SAME, "tree": OTHER, **FILES}]),
        case("a-list-that-contradicts-the-run", "mismatch",
             compared=[{"checkpoint": SAME["checkpoint"], "differs": ["segments"]}], start=None),
    ]  # fmt: skip


def drawn(count: int, wanted: int, nonce: bytes, size: int, root: bytes) -> Row:
    """Return a draw of segments, and the chance to miss one."""

    def key(number: int) -> bytes:
        data = size.to_bytes(8, "big") + root + nonce + number.to_bytes(8, "big")
        return blake3(data, derive_key_context="lyrikstore 2026-11 drawn segments").digest()

    chosen = sorted(sorted(range(count), key=key)[:wanted])
    missed = 1 - Decimal(len(chosen)) / count
    return {
        "count": count,
        "wanted": wanted,
        "nonce": nonce.hex(),
        "head": {"size": size, "root": root.hex()},
        "drawn": chosen,
        "missChance": f"{missed.quantize(Decimal('0.0001'), ROUND_UP):f}",
    }


def state(name: str, position: Row, tensors: dict[str, tuple[str, list[int], str]]) -> Row:
    """Return a state of training with its digest; tensors by type, shape and hexadecimal bytes."""
    about = {
        one: {"blake3": blake3(bytes.fromhex(data)).hexdigest(), "dtype": kind, "shape": shape}
        for one, (kind, shape, data) in tensors.items()
    }
    text = json.dumps(
        {"position": position, "tensors": about}, sort_keys=True, separators=(",", ":")
    )
    given = {
        one: {"dtype": kind, "shape": shape, "hex": data}
        for one, (kind, shape, data) in tensors.items()
    }
    return {
        "id": name,
        "position": position,
        "tensors": given,
        "state": blake3(text.encode()).hexdigest(),
    }


def make() -> dict[str, Any]:
    """Return file name → content of every vector file."""
    nonce, root = bytes(range(16)), bytes(range(32))
    draws = [
        drawn(7, 2, nonce, 40, root),
        drawn(7, 2, nonce, 41, root),
        drawn(7, 2, nonce[::-1], 40, root),
        drawn(7, 2, nonce, 40, root[::-1]),
        drawn(100, 20, bytes(64), 2**40, bytes(32)),
        drawn(3, 9, nonce, 1, root),
        drawn(1, 1, nonce, 1, root),
    ]
    begin: Row = {"step": 0, "epoch": 0, "batch": 0, "loss": "0x0.0p+0", "bestScore": "",
                  "bestEpoch": 0, "kept": [], "trainLosses": [], "scores": []}  # fmt: skip
    later = {**begin, "step": 4, "epoch": 1, "batch": 1, "loss": "0x1.8000000000000p+1",
             "bestScore": "0x1.0000000000000p-1", "bestEpoch": 1, "kept": [1],
             "trainLosses": ["0.693147"], "scores": ["0.500000"]}  # fmt: skip
    weight, bias = ("float32", [1, 2], "0000803f000000c0"), ("float32", [2], "0000000000000080")
    states = [
        state("before-the-first-step", begin, {
            "weights.a": weight, "random": ("uint8", [3], "01ff00"),
        }),
        state("later", later, {
            "weights.a": weight, "weights.b": bias, "random": ("uint8", [3], "01ff02"),
            "optimizer.0.step": ("float32", [], "00008040"),
            "optimizer.0.exp_avg": ("float32", [1, 2], "0000000000000000"),
        }),
    ]  # fmt: skip
    return {
        "reproductions/verdicts.json": {
            "compared": compared(),
            "reasons": reasons(),
            "replayed": replayed(),
        },
        "reproductions/segments.json": {"draws": draws, "states": states},
    }
