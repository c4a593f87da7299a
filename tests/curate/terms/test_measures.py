"""Recipes: each is measured while records pass, and comes out as one counts by hand."""

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers import CSV_1, DOCUMENT, JSONL, READERS
from lyrikstore.curate.terms.measures import RECIPES, Measurement, claims_of, recipes_for
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.delivery.quality import Measured, check_quality, recipes_of
from tests.kinds import refused

SPEC = Path(__file__).resolve().parents[3] / "spec"


def cases_of(name: str) -> list[Any]:
    """The vectors that the page answers too."""
    return json.loads((SPEC / "vectors" / "records" / name).read_text("ascii"))["cases"]


@pytest.mark.parametrize("case", cases_of("measures.json"), ids=lambda case: case["id"])
def test_recipes_answer_the_vectors(case: Any) -> None:
    if case["reader"] not in READERS:
        pytest.skip("there is no such reader yet")
    measurement = Measurement([case["recipe"]])
    for file in case["files"]:
        data = bytes.fromhex(file["content"])
        entry = TreeEntry(file["path"], len(data), Digest.of(data), file.get("meta"))
        list(measurement.record_ids(case["reader"], entry, io.BytesIO(data)))
    (found,) = measurement.values()
    assert (None if found.value is None else found.text) == case.get("value")


@pytest.mark.parametrize("case", cases_of("claims.json"))
def test_claims_answer_the_vectors(case: Any) -> None:
    share = case["total"] is not None
    value = Fraction(case["hits"], case["total"] or 1)
    assert Measured(value, share, "").agrees(case["claimed"]) == case["result"]


def measure(
    reader: str, files: dict[str, bytes], *recipes: dict[str, Any], meta: Any = None
) -> list[Measured]:
    measurement = Measurement(recipes)
    for path, data in files.items():
        entry = TreeEntry(path, len(data), Digest.of(data), (meta or {}).get(path, {}))
        list(measurement.record_ids(reader, entry, io.BytesIO(data)))
    return measurement.values()


def one(reader: str, files: dict[str, bytes], use: str, meta: Any = None, **parameters: str) -> str:
    recipe = {"use": use, **({"parameters": parameters} if parameters else {})}
    (found,) = measure(reader, files, recipe, meta=meta)
    assert not found.problem
    return found.text


DOCUMENTS = {"a": b"one two\n", "b": b"one two\n", "c": b" \n\t", "d": "caf\u00e9".encode()}
META = {"a": {"k": "x"}, "b": {"k": "y"}, "c": {"k": "x"}}
LINES = {
    "1.jsonl": b'{"label":"x","n":1}\n{"label":"y"}\r\n',
    "2.jsonl": b'{"label":"x","n":1}\n{"label":""}',
}


def test_by_hand() -> None:
    assert one(DOCUMENT, DOCUMENTS, "recordCount/1") == "4"
    assert one(DOCUMENT, DOCUMENTS, "exactDuplicateRate/1") == "0.250000"
    assert one(DOCUMENT, DOCUMENTS, "emptyRate/1") == "0.250000"
    assert one(DOCUMENT, DOCUMENTS, "wordCount/1") == "5"
    assert one(DOCUMENT, DOCUMENTS, "characterCount/1") == "23"
    assert one(DOCUMENT, DOCUMENTS, "missingMetadataRate/1", META, column="k") == "0.250000"
    assert one(DOCUMENT, DOCUMENTS, "metadataShare/1", META, column="k", value="x") == "0.500000"
    assert one(JSONL, LINES, "recordCount/1") == "4"
    assert one(JSONL, LINES, "exactDuplicateRate/1") == "0.250000"
    assert one(JSONL, LINES, "fieldShare/1", field="label", value="x") == "0.500000"
    assert one(JSONL, LINES, "missingFieldRate/1", field="label") == "0.250000"
    assert one(JSONL, LINES, "missingFieldRate/1", field="n") == "0.500000"
    assert one(CSV_1, {"t": b"a b,c\r\n , \r\n"}, "wordCount/1") == "3"
    assert one(CSV_1, {"t": b"a b,c\r\n , \r\n"}, "emptyRate/1") == "0.500000"
    assert one(DOCUMENT, {}, "emptyRate/1") == "0.000000"


def test_every_recipe_is_in_the_specification() -> None:
    chapter = (SPEC / "19-terms.md").read_text("utf-8")
    for use, kind in RECIPES.items():
        named = ", ".join(f"`{name}`" for name in kind.PARAMETERS)
        assert f"| `{use}` | {named} |".replace("|  |", "| |") in chapter


@given(st.lists(st.binary(max_size=6).map(lambda b: bytes(b"a \n"[x % 3] for x in b)), max_size=6))
def test_pieces_make_no_difference(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    meters = [RECIPES[use]({}) for use in ("wordCount/1", "emptyRate/1", "characterCount/1")]
    for meter in meters:
        for piece in pieces:
            meter.text(piece)
        meter.end()
    words, empty, characters = (meter.value() for meter in meters)
    assert words == len(whole.split())
    assert empty == (not whole.strip())
    assert characters == len(whole)


@pytest.mark.parametrize(
    ("reader", "files", "recipe"),
    [
        (DOCUMENT, DOCUMENTS, {"use": "toxicity/1"}),
        (DOCUMENT, DOCUMENTS, {"use": "recordCount/2"}),
        (DOCUMENT, DOCUMENTS, {"use": "recordCount/1", "parameters": {"a": "b"}}),
        (DOCUMENT, DOCUMENTS, {"use": "metadataShare/1", "parameters": {"column": "k"}}),
        (DOCUMENT, DOCUMENTS, {"use": "missingMetadataRate/1", "parameters": {"column": 1}}),
        (DOCUMENT, {"a": b"\xff"}, {"use": "characterCount/1"}),
        (DOCUMENT, {"a": "\u00e9".encode()[:1]}, {"use": "characterCount/1"}),
        (DOCUMENT, DOCUMENTS, {"use": "missingFieldRate/1", "parameters": {"field": "a"}}),
        (JSONL, {"a": b"[1]\n"}, {"use": "missingFieldRate/1", "parameters": {"field": "a"}}),
        (
            JSONL,
            {"a": b'{"a":1,"a":2}'},
            {"use": "missingFieldRate/1", "parameters": {"field": "a"}},
        ),
    ],
)
def test_what_cannot_be_measured_says_why(reader: str, files: Any, recipe: Any) -> None:
    (found,) = measure(reader, files, recipe)
    assert found.value is None
    assert found.problem
    assert found.agrees("0") == "unchecked"


@pytest.mark.parametrize(
    ("value", "claimed", "result"),
    [
        (Fraction(1, 4), "0.250000", "equal"),
        (Fraction(1, 3), "0.333333", "within-rounding"),
        (Fraction(2, 3), "0.666666", "within-rounding"),
        (Fraction(2, 3), "0.666667", "within-rounding"),
        (Fraction(1, 4), "0.250001", "different"),
        (Fraction(1, 3), "0.333335", "different"),
        (Fraction(1, 3), "0", "different"),
        (Fraction(1, 3), "0.3", "different"),
        (Fraction(0), "0", "different"),
        (Fraction(1, 3), "0.33333\u0663", "different"),
        (Fraction(1, 3), "1/3", "different"),
        (Fraction(1, 3), "-0.333333", "different"),
        (Fraction(1, 3), "1e-1", "different"),
        (Fraction(1, 3), "", "different"),
    ],
)
def test_agreement(value: Fraction, claimed: str, result: str) -> None:
    assert Measured(value, True, "").agrees(claimed) == result


def test_counts_agree_exactly_or_not_at_all() -> None:
    assert Measured(Fraction(7), False, "").agrees("7") == "equal"
    for claimed in ("8", "07", "7.0", "7.000000", "seven"):
        assert Measured(Fraction(7), False, "").agrees(claimed) == "different"


def test_what_was_measured_is_measured_again() -> None:
    tree = Tree.of(TreeEntry(p, len(d), Digest.of(d), META.get(p)) for p, d in DOCUMENTS.items())
    shares = {"use": "metadataShare/1", "parameters": {"column": "k"}}
    one_share = {"use": "metadataShare/1", "parameters": {"column": "k", "value": "y"}}
    recipes = recipes_for([shares, {"use": "wordCount/1"}, one_share, {"use": "wordCount/1"}], tree)
    assert [recipe.get("parameters", {}).get("value") for recipe in recipes] == ["x", "y", None]
    claims = claims_of(recipes, measure(DOCUMENT, DOCUMENTS, *recipes, meta=META))
    subject = {"quality": claims}

    def check(files: dict[str, bytes], *, complete: bool = True) -> Any:
        measurement = Measurement(recipes_of(subject))
        assert measurement.reads_documents
        for path, data in files.items():
            entry = TreeEntry(path, len(data), Digest.of(data), META.get(path, {}))
            list(measurement.record_ids(DOCUMENT, entry, io.BytesIO(data)))
        return check_quality(subject, measurement, complete=complete)

    assert check(DOCUMENTS).state == "pass"
    assert check({**DOCUMENTS, "a": b"one"}).detail["reason"] == "different"
    assert check(DOCUMENTS, complete=False).state == "unchecked"
    assert check_quality(subject, None, complete=True).state == "warn"
    assert check_quality({}, None, complete=True).state == "n/a"
    claims[0]["recipe"]["use"] = "metadataShare/9"
    assert check(DOCUMENTS).detail["reason"] == "unknown-recipe"


def test_a_recipe_is_claimed_once_and_of_two_claims_each_is_measured() -> None:
    tree = Tree.of(TreeEntry(p, len(d), Digest.of(d), META.get(p)) for p, d in DOCUMENTS.items())
    twice = [
        {"use": "wordCount/1"},
        {"use": "metadataShare/1", "parameters": {"column": "k"}},
        {"use": "metadataShare/1", "parameters": {"column": "k", "value": "x"}},
        {"use": "wordCount/1"},
    ]
    recipes = recipes_for(twice, tree)
    assert len(recipes) == 3
    (claim,) = claims_of(recipes[:1], measure(DOCUMENT, DOCUMENTS, recipes[0]))
    # Somebody else's software may claim one thing twice: one good claim hides no other.
    lie = {**claim, "value": str(int(claim["value"]) + 1)}
    for claims in ([claim, lie], [lie, claim]):
        subject = {"quality": claims}
        measurement = Measurement(recipes_of(subject))
        for path, data in DOCUMENTS.items():
            entry = TreeEntry(path, len(data), Digest.of(data), META.get(path, {}))
            list(measurement.record_ids(DOCUMENT, entry, io.BytesIO(data)))
        found = check_quality(subject, measurement, complete=True)
        assert (found.state, found.detail["reason"]) == ("fail", "different")
        results = [row["result"] for row in found.detail["measurements"]]
        assert sorted(results) == ["different", "equal"]


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"use": "wordcount/1"}, "wordCount/1"),
        ({"use": "wordCount/1", "parameters": {"a": "b"}}, "no parameters"),
        ({"use": "metadataShare/1", "parameters": {"column": "none"}}, "unknown column"),
        ({"use": "metadataShare/1", "parameters": {"column": "many"}}, "has 101 values"),
    ],
)
def test_senseless_recipes_are_refused_when_issuing(recipe: Any, words: str) -> None:
    tree = Tree.of(TreeEntry(f"{n}", 0, Digest.of(b""), {"many": str(n)}) for n in range(101))
    with pytest.raises(InvalidInputError) as caught:
        recipes_for([recipe], tree)
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_lines_are_not_read_byte_by_byte(tmp_path: Any, monkeypatch: Any) -> None:
    # A delivery of 27 MB of lines took two minutes to verify.
    from lyrikstore.verify.delivery import folder

    data = b'{"label":"x"}\n' * 20_000
    (tmp_path / "a.jsonl").write_bytes(data)
    tree = Tree.of([TreeEntry("a.jsonl", len(data), Digest.of(data))])
    reads = 0
    read = folder._HashingReader.read

    def counted(self: Any, size: int = -1, /) -> bytes:
        nonlocal reads
        reads += 1
        return read(self, size)

    monkeypatch.setattr(folder._HashingReader, "read", counted)
    measurement = Measurement([{"use": "recordCount/1"}])
    comparison = folder.FolderData(tmp_path).compare(
        tree, lambda entry, stream: list(measurement.record_ids(JSONL, entry, stream))
    )
    assert comparison.complete
    assert measurement.values()[0].text == "20000"
    assert reads < 10


def test_what_cannot_be_measured_is_not_claimed() -> None:
    with refused("not-measurable"):
        claims_of([{"use": "wordCount/1"}], [Measured(None, False, "no text")])
