"""What a commit says of licences: how many records state one, and how many none (spec 12.4.3)."""

from typing import Any

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.verify.datasets.licences import count_licences

FILES = {f"{n}.txt": f"text {n}" for n in range(5)}
SHEET = [["path", "Licence"], ["0.txt", "MIT"], ["1.txt", "MIT"], ["2.txt", "0BSD"], ["3.txt", ""]]
LINES = '{"text":"a","licence":"MIT"}\n{"text":"b","licence":""}\n{"text":"c"}\n{"text":"d"}\n'


def counted(result: Any) -> tuple[Any, ...]:
    found = result.licences
    return found.expression, found.field, found.records, found.unstated, found.values


def test_files_that_state_none_are_counted(bench: Any) -> None:
    bench.write(FILES)
    sheet = bench.sheet(SHEET)
    result = bench.commit(stated=CommitMetadata(sheet=sheet))
    assert counted(result) == (None, "Licence", 5, 2, (("MIT", 2), ("0BSD", 1)))
    assert result.licences.has_gaps
    # From the manifest alone: how many, if not which.
    alone = count_licences(result.manifest.body, None)
    assert (alone.unstated, alone.values) == (2, ())
    again = bench.commit(stated=CommitMetadata(sheet=sheet, licence="MIT"))
    assert counted(again) == ("MIT", "Licence", 5, 2, (("MIT", 2), ("0BSD", 1)))
    assert again.licences.others == ("0BSD",)


def test_without_a_field_all_or_none_state_one(bench: Any) -> None:
    bench.write(FILES)
    result = bench.commit()
    assert counted(result) == (None, None, 5, 5, ())
    stated = CommitMetadata(licence="MIT")
    assert counted(bench.commit(stated=stated, dry_run=True)) == ("MIT", None, 5, 0, ())


def test_rows_with_an_empty_string_state_none(bench: Any) -> None:
    bench.write({"rows.jsonl": LINES})
    result = bench.commit()
    assert counted(result) == (None, "licence", 4, 3, ())
    # A manifest counts empty strings as values, so it does not tell how many state none.
    assert count_licences(result.manifest.body, None).unstated is None


@pytest.mark.parametrize(
    ("expression", "text", "textless"),
    [
        ("LicenseRef-Own", None, ("LicenseRef-Own",)),
        ("LicenseRef-Own", b"its text", ()),
        ("MIT AND LicenseRef-Own", b"its text", ()),
        ("LicenseRef-One AND LicenseRef-Two", b"of which?", ("LicenseRef-One", "LicenseRef-Two")),
        ("MIT", None, ()),
    ],
)
def test_a_licence_without_a_public_text_wants_one(
    bench: Any, expression: str, text: bytes | None, textless: tuple[str, ...]
) -> None:
    bench.write(FILES)
    result = bench.commit(stated=CommitMetadata(licence=expression, licence_text=text))
    assert result.textless == textless


@pytest.mark.parametrize("word", ["NONE", "NOASSERTION", "none"])
def test_no_licence_is_no_licence(bench: Any, word: str) -> None:
    bench.write(FILES)
    with pytest.raises(InvalidInputError) as refused:
        bench.commit(stated=CommitMetadata(licence=word))
    assert refused.value.kind == "bad-licence"
