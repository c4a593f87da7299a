"""The committed vectors of spec/12, what makes them, and what the documentation promises."""

import json
import tomllib
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import make_curation
import make_reviewed
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.schemas import check_schema
from lyrikstore.curate.descriptor import FIELDS, parse_descriptor
from lyrikstore.curate.extract.rows import document_digest
from lyrikstore.curate.reading.contents import content_id
from lyrikstore.curate.recipes.filters.contract import Change, FilterRecord, Keep
from lyrikstore.curate.recipes.filters.parameters import read_parameters
from lyrikstore.curate.recipes.filters.partition import PartitionRows
from lyrikstore.curate.recipes.filters.personal.redact import RedactTyped
from lyrikstore.curate.recipes.filters.personal.redact_3 import RedactRecords
from lyrikstore.curate.recipes.filters.redact import FINDERS, redact
from lyrikstore.curate.recipes.filters.split import Split
from lyrikstore.curate.recipes.filters.split_3 import SplitGroups
from lyrikstore.curate.recipes.recipe import parse_recipe
from lyrikstore.curate.sheets.cells import cell_text
from lyrikstore.curate.sheets.sheet import join, read_sheet
from lyrikstore.curate.text import normalise
from tests.curate.tried import decisions_of

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "spec" / "vectors"


MADE: dict[str, Any] = make_curation.make()


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["cases"]
    return found


def test_committed_vectors_are_what_the_script_makes() -> None:
    for name, content in MADE.items():
        assert json.loads((VECTORS / name).read_text()) == content


READ = {
    "string": str,
    "number": float,
    "boolean": lambda text: text == "true",
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "duration-seconds": lambda text: timedelta(seconds=int(text)),
}


@pytest.mark.parametrize("case", cases("sheets/cells.json"), ids=lambda c: c["value"])
def test_cells(case: dict[str, Any]) -> None:
    assert cell_text(READ[case["type"]](case["value"])) == case["text"]


@pytest.mark.parametrize("case", cases("sheets/tables.json"), ids=lambda c: c["id"])
def test_tables(case: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(case["csv"].encode())
    sheet = read_sheet(path)
    assert [sheet.key, *sheet.columns] == case["columns"]
    assert [[row.key, row.meta] for row in sheet.rows] == case["rows"]
    assert str(sheet.digest) == case["digest"]
    joined = join(case["files"], sheet)
    assert joined.meta == case["meta"]
    assert list(joined.orphan_files) == case["orphanFiles"]
    assert [row.key for row in joined.orphan_rows] == case["orphanRows"]


@pytest.mark.parametrize("case", cases("filters/normalise.json"), ids=lambda c: ascii(c["text"]))
def test_normal_forms(case: dict[str, Any]) -> None:
    assert normalise(case["text"]) == case["normal"]


@pytest.mark.parametrize("case", cases("records/contents.json"), ids=lambda c: c["id"])
def test_contents(case: dict[str, Any]) -> None:
    found = content_id(case["texts"], case["labels"])
    assert (found and found.hex()) == case["content"]


@pytest.mark.parametrize("case", cases("filters/redact.json"), ids=lambda c: c["text"][:30])
def test_redactions(case: dict[str, Any]) -> None:
    assert redact(case["text"], FINDERS, repeats=True)[0] == case["redacted"]


@pytest.mark.parametrize("case", cases("filters/personal.json"), ids=lambda c: c["text"][:30])
def test_personal_data(case: dict[str, Any]) -> None:
    values = read_parameters(RedactTyped.PARAMETERS, case["parameters"], "redact/2")
    given = {"": case["text"]}
    record = FilterRecord("a.txt", 0, Digest.of(b""), given, given)
    outcome = RedactTyped.configure(values).start()(record)
    after = outcome.fields[""] if isinstance(outcome, Change) else case["text"]
    assert after == case["redacted"]


@pytest.mark.parametrize("case", cases("filters/redact-3.json"), ids=lambda c: c["id"])
def test_records_that_are_redacted(case: dict[str, Any]) -> None:
    values = read_parameters(RedactRecords.PARAMETERS, case["parameters"], "redact/3")
    fields = case["fields"]
    texts = ("text",) if "text" in fields else ("body",)
    record = FilterRecord("a.jsonl", 0, Digest.of(b""), fields, fields, texts)
    outcome = RedactRecords.configure(values).start()(record)
    after = outcome.fields if isinstance(outcome, Change) else fields
    assert after == case["redacted"]


@pytest.mark.parametrize("case", cases("filters/document.json"), ids=lambda c: c["text"][:9])
def test_digests_of_documents(case: dict[str, Any]) -> None:
    assert document_digest(case["text"]) == case["document"]


@pytest.mark.parametrize("case", cases("filters/split-3.json"), ids=lambda c: c["id"])
def test_splits_of_groups(case: dict[str, Any]) -> None:
    toml = b'recipe = 1\n[[step]]\nuse = "split/3"\nby = "g"\ntrain = 0.5\n'
    split = parse_recipe(toml + b"validation = 0.25\ntest = 0.25").steps[-1].filter
    assert isinstance(split, SplitGroups)
    records = [
        FilterRecord(
            "a.jsonl",
            row["of"],
            Digest.of(b""),
            {"g": row.get("now", row.get("g"))},
            {"g": row.get("g")},
            ("text",),
            left=Digest(bytes.fromhex(row["drawn"])),
        )
        for row in case["rows"]
    ]
    judgement = decisions_of(split, records)
    assert [judgement.part(at) for at in range(len(records))] == [
        row["part"] for row in case["rows"]
    ]


@pytest.mark.parametrize("case", cases("filters/split.json"), ids=lambda c: c["group"][:20])
def test_splits(case: dict[str, Any]) -> None:
    toml = f'recipe = 1\n[[step]]\nuse = "split/1"\nseed = "{case["seed"]}"\n'
    split = parse_recipe(toml.encode()).steps[-1].filter
    assert isinstance(split, Split)
    assert split.part_of(case["kind"], case["group"]) == case["part"]


@pytest.mark.parametrize("case", cases("filters/partition.json"), ids=lambda c: str(c["folder"]))
def test_partitions(case: dict[str, Any]) -> None:
    fields = {} if case["value"] is None else {case["field"]: case["value"]}
    record = FilterRecord("a.jsonl", 0, Digest.of(b""), fields, fields, ("text",))
    decide = PartitionRows(case["field"]).start()
    if case["folder"] is None:
        with pytest.raises(InvalidInputError):
            decide(record)
    else:
        assert decide(record) == Keep(folder=case["folder"])


def _blocks(name: str) -> list[str]:
    pieces = (ROOT / "docs" / name).read_text("utf-8").split("```")
    return [piece.removeprefix("toml\n") for piece in pieces if piece.startswith("toml\n")]


def test_the_example_of_the_documentation_runs() -> None:
    examples = [parse_recipe(block.encode()) for block in _blocks("recipes.md")]
    assert len(examples[0].steps) == 5


def test_descriptor_documentation_lists_every_field() -> None:
    text = (ROOT / "docs" / "descriptor.md").read_text("utf-8")
    for name, meaning in FIELDS.items():
        assert f"| `{name}` | {meaning} |" in text
    (example,) = _blocks("descriptor.md")
    assert parse_descriptor(tomllib.loads(example, parse_float=Decimal))


MAP = """
recipe = 1
[[step]]
use = "map/1"
trim = "*"
values.a = { x = 1, y = true }
unmapped = "drop"
combine = { b = "{a}" }
rename = { c = "d" }
set = { e = "v" }
drop = ["f"]
"""

RECIPES = [
    (_blocks("recipes.md")[0], True),
    ('recipe = 1\n[[step]]\nuse = "redact/1"\ncolumns = ["a"]\nmask = "*"', True),
    ('recipe = 1\n[[step]]\nuse = "split/1"\ntrain = "1"\nvalidation = 0\ntest = 0', True),
    ('recipe = 1\n[[step]]\nuse = "extract-text/1"\nencoding = "cp1252"', True),
    ('recipe = 1\n[[step]]\nuse = "chunk/1"\nunit = "tokens"\nsize = 300\noverlap = 50', True),
    ('recipe = 1\n[[step]]\nuse = "chunk/1"\nsize = 1.5', False),
    ('recipe = 1\n[[step]]\nuse = "chunk/1"\noverlap = -1', False),
    ('recipe = 1\n[[step]]\nuse = "drop-duplicates/2"\nby = ["a"]\nconflicts = "drop"', True),
    (MAP, True),
    (
        'recipe = 1\n[[step]]\nuse = "near-duplicates/1"\nthreshold = 0.9\nwords = 3\nseed = 7',
        True,
    ),
    ('recipe = 1\n[[step]]\nuse = "near-duplicates/1"\nwords = 0', False),
    ('recipe = 1\n[[step]]\nuse = "decontaminate/1"\nagainst = "a/b"\nreport = true', True),
    ('recipe = 1\n[[step]]\nuse = "decontaminate/1"', False),
    ('recipe = 1\n[[step]]\nuse = "where/1"\nsql = "a > 3"', True),
    ('recipe = 1\n[[step]]\nuse = "where/1"\nsql = ""', False),
    ('recipe = 1\n[[step]]\nuse = "map/1"\nvalues.a = { x = 1.5 }', False),
    ('recipe = 1\n[[step]]\nuse = "map/1"\nrename = { a = 1 }', False),
    ("recipe = 1", False),
    ("recipe = 2\n[[step]]\nuse = 'drop-empty/1'", False),
    ('recipe = 1\n[[step]]\nuse = "drop-empty/2"', False),
    ('recipe = 1\n[[step]]\nuse = "drop-empty/1"\nx = 1', False),
    ('recipe = 1\n[[step]]\nuse = "allow/1"\nvalues = ["x"]', False),
    ('recipe = 1\n[[step]]\nuse = "redact/1"\npatterns = []', False),
    ('recipe = 1\nname = "x"\n[[step]]\nuse = "drop-empty/1"', False),
]


@pytest.mark.parametrize(("toml", "good"), RECIPES)
def test_the_schema_and_the_parser_agree(toml: str, good: bool) -> None:
    document = tomllib.loads(toml)
    if good:
        check_schema(document, "recipe")
        parse_recipe(toml.encode())
        return
    with pytest.raises(FormatError):
        check_schema(document, "recipe")
    with pytest.raises(InvalidInputError):
        parse_recipe(toml.encode())


@pytest.mark.parametrize("case", cases("filters/reviewed-1.json"), ids=lambda c: c["id"])
def test_reviewed_records(case: dict[str, Any]) -> None:
    """Attack A227: a review of other candidates is refused; use = "reviewed/1" as spec 12.5.31."""
    given = case["unreviewed"], case["label"], case["said"]
    result = {name: case[name] for name in case.keys() - {"id", "unreviewed", "label", "said"}}
    assert make_reviewed.result_of(*given) == result
