"""Lines that a commit leaves out are signed with a code, never with a sentence of a library."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.curate.commit.inputs import CommitMetadata, CommitOptions
from lyrikstore.curate.commit.rows.check import RowLayout, check_rows
from lyrikstore.curate.readers.fields import FieldRoles

CHAPTER = Path(__file__).resolve().parents[3] / "spec" / "12-curation.md"
GOOD = b'{"text":"good","id":1}\n'
LINES = [
    (b"[1]", "no-object"),
    (b"{", "not-json"),
    (b'{"a":NaN}', "not-json"),
    (b'{"a":1e999}', "not-json"),
    (b'{"a":"\\ud800"}', "lone-surrogate"),
    (b'{"a":1,"a":2}', "member-twice"),
    (b'{"a":"\xff"}', "not-utf-8"),
    (b"", "empty"),
    (b"[" * 5000 + b"]" * 5000, "too-deep"),
    (b'{"a":' * 70 + b"1" + b"}" * 70, "too-deep"),
    (b'{"text":3}', "unfit-value"),
]
ROWS = [
    (b"1,caf\xe9,", "not-utf-8"),
    (b"1,", "other-cells"),
    (b'"x"y,2,', "bad-cell"),
    (b"1," + b"x" * 200_000 + b",", "bad-cell"),
    (b"1,2,3", "unnamed-column"),
]


def codes(reader: str, content: bytes) -> list[tuple[int, str]]:
    """Return line and code of what cannot be read of a file."""
    wanted = RowLayout(reader, FieldRoles(text=("text",)))
    return [(one.line, one.code) for one in check_rows("t", io.BytesIO(content), wanted).bad]


@pytest.mark.parametrize(("line", "code"), LINES)
def test_a_line(line: bytes, code: str) -> None:
    assert codes("jsonl/1", GOOD + line + b"\n" + GOOD) == [(2, code)]


@pytest.mark.parametrize(("row", "code"), ROWS)
def test_a_row_of_a_table(row: bytes, code: str) -> None:
    assert codes("csv/2", b"id,text,\n1,good,\n" + row + b"\n2,good,\n") == [(3, code)]


def test_the_spec_has_them_all() -> None:
    section = CHAPTER.read_text("utf-8").partition("### 12.8.3")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", section, re.MULTILINE)
    shown = {code for _, code in (*LINES, *ROWS)} | {"too-long", "same-id"}
    assert sorted(listed) == sorted(shown)


def test_what_is_signed_holds_no_word_of_the_line(bench: Any) -> None:
    lines = [b'{"secret":', b'{"text":"again","id":1}', GOOD.strip()]
    bench.write({"t.jsonl": GOOD + b"\n".join(lines) + b"\n"})
    result = bench.commit(
        stated=CommitMetadata(roles=FieldRoles(text=("text",), id="id")),
        allow=CommitOptions(skip_bad=True),
    )
    (attached,) = (one for one in result.manifest.attachments if one.role == "skipped")
    assert json.loads(bench.repo.blobs.read(attached.id, max_bytes=1 << 20)) == [
        {"line": 2, "path": "t.jsonl", "reason": "not-json"},
        {"line": 3, "path": "t.jsonl", "reason": "same-id"},
        {"line": 4, "path": "t.jsonl", "reason": "same-id"},
    ]
