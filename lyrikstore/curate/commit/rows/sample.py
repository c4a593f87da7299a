"""What costs too much to measure of every row, measured of a sample (spec §12.4.2)."""

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
    # A heap has its least on top, and the record to be given up is the one drawn last.
    late: int
    tokens: int = field(default=0)
    language: str = field(default="")


class RowSample:
    """What is measured of the records that are drawn first; memory for these alone.

    Args:
        text: The fields that are the text.
        tell: Tells the language of a text and how sure it is; None: nobody asks.
    """

    def __init__(
        self, text: Sequence[str], tell: Callable[[str], tuple[str, float]] | None = None
    ) -> None:
        self._text, self._tell = text, tell
        self._chosen: list[_Measured] = []

    def add(self, identity: str, row: bytes) -> None:
        """Take a record, if it is drawn.

        Args:
            identity: Its id, in hex.
            row: Its bytes.
        """
        chosen = self._chosen
        late = -int.from_bytes(drawn(SAMPLE_SEED, identity), "big")
        if len(chosen) == SAMPLE_RECORDS and late <= chosen[0].late:
            return
        text = _text(parse_row(row), self._text)
        item = _Measured(late, len(find_tokens(text)))
        if self._tell is not None:
            code, probability = self._tell(text)
            item.language = code if probability >= LEAST_PROBABILITY else ""
        if len(chosen) < SAMPLE_RECORDS:
            heapq.heappush(chosen, item)
        else:
            heapq.heapreplace(chosen, item)

    def to_json(self, measures: Sequence[str]) -> dict[str, Any]:
        """Return what the descriptor states of it, as far as it is among ``measures``."""
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
    """Return what the descriptor states of a sample, drawn by record id.

    Args:
        rows: What was committed; a field of it is the text.
        measures: Of :data:`SAMPLE_MEASURES`.
        progress: Progress callback, called per file, in the phase ``sampling``.

    Raises:
        InvalidInputError: (``bad-measure``) no such measure; (``no-text``) no field is the text.
        LyrikstoreError: As :func:`open_language_model`.

    Cost: one more read of the files, in one process, and for n records 1,000 · ln(n / 1,000)
    texts measured; memory for one record.
    """
    for name in measures:
        if name not in SAMPLE_MEASURES:
            raise unknown_word("bad-measure", "measure", name, SAMPLE_MEASURES)
    if not rows.roles.text:
        raise InvalidInputError(
            "no-text", "no field of these rows is the text", hint="say which: --text FIELD"
        )
    tell = open_language_model()[0] if LANGUAGES in measures else None
    sample = RowSample(rows.roles.text, tell)
    beside, paths = frozenset(rows.companions), rows.scan.paths
    for at, path in enumerate(paths):
        if path in beside:
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
