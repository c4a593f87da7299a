"""Measures that are too expensive for every row, taken of a sample of rows (spec §12.4.2)."""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.files import open_regular
from lyrikstore.canon.json import JSON
from lyrikstore.canon.progress import OnProgress, Progress
from lyrikstore.canon.text import unknown_word
from lyrikstore.curate.commit.rows.read import CommittedRows
from lyrikstore.curate.extract.chunk import find_tokens
from lyrikstore.curate.language import LANGUAGE_MODEL, LEAST_PROBABILITY, open_language_model
from lyrikstore.curate.readers.records import iter_rows
from lyrikstore.curate.readers.rows import parse_row
from lyrikstore.curate.readers.sampling import drawn
from lyrikstore.history.records.order_root import record_id
from lyrikstore.history.records.rows import RawRow

SAMPLE_RECORDS = 1000
SAMPLE_SEED = "0"
TOKENS, LANGUAGES = "tokens", "languages"
SAMPLE_MEASURES = (TOKENS, LANGUAGES)


class _Measured(Struct, order=True):
    # A heap has its smallest item on top; the record to replace is the one drawn last.
    late: int
    tokens: int = field(default=0)
    language: str = field(default="")


class RowSample:
    """Measures of the first :data:`SAMPLE_RECORDS` records in the order of drawing.

    It keeps only these records in memory.

    Args:
        text: The fields that are the text.
        identify: Returns the language of a text and its probability; None: languages are not
            measured.
    """

    def __init__(
        self, text: Sequence[str], identify: Callable[[str], tuple[str, float]] | None = None
    ) -> None:
        self._text, self._identify = text, identify
        self._chosen: list[_Measured] = []

    def add(self, identity: str, row: bytes) -> None:
        """Measure a record and add it to the sample, if it is among the records drawn so far.

        Args:
            identity: The record id, in hex.
            row: The bytes of the record.
        """
        chosen = self._chosen
        late = -int.from_bytes(drawn(SAMPLE_SEED, identity), "big")
        if len(chosen) == SAMPLE_RECORDS and late <= chosen[0].late:
            return
        text = _text(parse_row(row), self._text)
        item = _Measured(late, len(find_tokens(text)))
        if self._identify is not None:
            code, probability = self._identify(text)
            item.language = code if probability >= LEAST_PROBABILITY else ""
        if len(chosen) < SAMPLE_RECORDS:
            heapq.heappush(chosen, item)
        else:
            heapq.heapreplace(chosen, item)

    def to_json(self, measures: Sequence[str]) -> dict[str, Any]:
        """Return the descriptor's member ``sample``, with the results of ``measures``."""
        chosen = self._chosen
        found: dict[str, Any] = {"records": len(chosen), "seed": SAMPLE_SEED}
        if TOKENS in measures and chosen:
            counts = sorted(item.tokens for item in chosen)
            found[TOKENS] = {
                "least": counts[0],
                "median": counts[(len(counts) - 1) // 2],
                "most": counts[-1],
                "sum": sum(counts),
            }
        if LANGUAGES in measures:
            by_code = Counter(item.language for item in chosen)
            found["unsure"] = by_code.pop("", 0)
            found[LANGUAGES] = [
                {"language": code, "records": by_code[code]} for code in sorted(by_code)
            ]
            found["model"] = LANGUAGE_MODEL.facts
        return found


def measure_sample(
    rows: CommittedRows, measures: Sequence[str], progress: OnProgress
) -> dict[str, Any]:
    """Return the descriptor's member ``sample``: measures of records drawn by their ids.

    Args:
        rows: The checked rows; a field of them must be the text.
        measures: Names of :data:`SAMPLE_MEASURES`.
        progress: Progress callback, called per file, in the phase ``sampling``.

    Raises:
        InvalidInputError: (``bad-measure``) an unknown measure; (``no-text``) no field is the text.
        LyrikstoreError: See :func:`open_language_model`.

    Cost: one more read of the files, in one process, and for n records 1,000 · ln(n / 1,000)
    texts measured; memory for one record.
    """
    for name in measures:
        if name not in SAMPLE_MEASURES:
            raise unknown_word("bad-measure", "measure", name, SAMPLE_MEASURES)
    if not rows.roles.text:
        raise InvalidInputError(
            "no-text", "no field of these rows is the text", hint="name the field: --text FIELD"
        )
    identify = open_language_model()[0] if LANGUAGES in measures else None
    sample = RowSample(rows.roles.text, identify)
    companions, paths = frozenset(rows.companions), rows.scan.paths
    for at, path in enumerate(paths):
        if path in companions:
            continue
        with open_regular(Path(rows.scan.location(at))) as stream:
            for row in iter_rows(rows.reader, path, stream):
                if isinstance(row, RawRow):
                    sample.add(record_id(rows.reader, row.data).hex, row.data)
        progress(Progress(at + 1, len(paths), phase="sampling"))
    return sample.to_json(measures)


def _text(fields: dict[str, JSON], names: Sequence[str]) -> str:
    texts: list[str] = []
    for name in names:
        value = fields.get(name)
        values = value if isinstance(value, list) else [value]
        texts += [one for one in values if isinstance(one, str)]
    return "\n\n".join(texts)
