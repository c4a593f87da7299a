"""Strict JSON and RFC 8785: vectors, a second opinion, and texts made to hurt (A18)."""

import json
from datetime import UTC, datetime
from enum import Enum, StrEnum
from pathlib import Path
from uuid import UUID

import orjson
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Struct

from lyrikstore.canon import json as jsontext
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import MAX_INTEGER, Document, as_json, encode, parse, parse_canonical
from lyrikstore.canon.limits import MAX_JSON_BYTES, MAX_JSON_DEPTH

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors" / "canonical-json"


class Colour(Enum):
    RED = 1


class Word(StrEnum):
    ONE = "one"


class Text(str):
    __slots__ = ()


def cases(name):
    return json.loads((VECTORS / name).read_text("ascii"))["cases"]


def named(case):
    return case["id"]


strings = st.text(max_size=8)  # no surrogates
names = st.one_of(
    strings, st.sampled_from(["__proto__", "", "a", "\u20ac", "\U0001f602", "\ufb33"])
)
integers = st.integers(-MAX_INTEGER, MAX_INTEGER)
plain = st.recursive(
    st.one_of(st.booleans(), integers, strings),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=20,
)
foreign = st.recursive(
    st.one_of(
        st.none(), st.booleans(), integers, strings, st.floats(-1e15, 1e15), st.floats(1e21, 1e300)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=20,
)


@pytest.mark.parametrize("case", cases("accept.json"), ids=named)
def test_accepted_with_these_canonical_bytes(case):
    is_foreign = case["profile"] == "foreign"
    canonical = case["canonical"].encode()
    value = parse(case["input"].encode(), floats=is_foreign, nulls=is_foreign)
    assert encode(value) == canonical
    if case["id"] != "numbers":  # 1e20 is written as an integer, which is refused beyond 2^53-1
        assert encode(parse(canonical, floats=is_foreign, nulls=is_foreign)) == canonical
    if not is_foreign:
        assert parse_canonical(canonical) == value


@pytest.mark.parametrize("case", cases("refuse.json"), ids=named)
def test_refused(case):
    data = bytes.fromhex(case["inputHex"])
    profiles = [False] if case["profile"] == "lyrik" else [False, True]
    for is_foreign in profiles:
        with pytest.raises(FormatError) as caught:
            parse(data, floats=is_foreign, nulls=is_foreign)
        assert caught.value.kind == "bad-json"
        assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "case", [c for c in cases("refuse.json") if c["profile"] == "lyrik"], ids=named
)
def test_the_foreign_profile_takes_what_only_lyrik_refuses(case):
    parse(bytes.fromhex(case["inputHex"]), floats=True, nulls=True)


@pytest.mark.parametrize("case", cases("not-canonical.json"), ids=named)
def test_strict_but_not_canonical(case):
    data = case["input"].encode()
    parse(data)
    with pytest.raises(FormatError) as caught:
        parse_canonical(data)
    assert caught.value.kind == "not-canonical"


@given(plain)
def test_round_trip(value):
    data = encode(value)
    assert parse_canonical(data) == value
    assert data == rfc8785.dumps(value)


@given(foreign)
@example([1e21, 5e-324, -0.0, 1e-7, 9007199254740991, 1e100])
@example({"\U0001f602": 1, "\ufb33": 2, "\u0080": None})
def test_same_bytes_as_the_reference_canonicaliser(value):
    data = encode(value)
    assert data == rfc8785.dumps(value)
    assert encode(parse(data, floats=True, nulls=True, max_bytes=10**7)) == data


@given(plain, st.data())
def test_spelling_does_not_matter(value, data):
    text = json.dumps(
        value, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1]))
    )
    assert encode(parse(text.encode())) == encode(value)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_format_error(data):
    try:
        value = parse(data, floats=True, nulls=True)
    except FormatError:
        return
    assert json.loads(encode(value)) == value


@given(st.text(alphabet='[]{}",:\\ 1truefalsn\u00e9eE.-+', max_size=60))
def test_never_looser_than_the_standard_library(text):
    try:
        value = parse(text.encode(), floats=True, nulls=True)
    except FormatError:
        return
    assert json.loads(text) == value


@given(st.text(alphabet='[]{}"\\a', max_size=300), st.integers(0, 130))
def test_depth_is_measured_exactly(text, depth):
    inner = json.dumps(text)  # brackets and quotes inside a string never count
    data = ("[" * depth + inner + "]" * depth).encode()
    if depth <= MAX_JSON_DEPTH:
        parse(data)
    else:
        with pytest.raises(FormatError, match="nested deeper"):
            parse(data)


LONG = 4_000_000  # what is quadratic in it ends in hours at best: the run's timeout holds that


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("[" * LONG, "nested deeper"),
        ("{" + '"a":[' * (LONG // 5), "nested deeper"),
        # Brackets at the end: with fewer than are refused, nobody looks where strings end.
        ('"' + '\\"' * (LONG // 2) + "[" * 65, "Unterminated"),
        ('"' * (LONG + 1) + "[" * 65, "Extra data"),
        ('["' + "[" * LONG, "Unterminated"),
        ("[" + '"[",' * (LONG // 4), f"character {LONG + 1}"),
        ('["' + "[" * LONG + '"]', ["[" * LONG]),
        ('["' + "\\\\" * (LONG // 2) + "[" * 65 + '"]', ["\\" * (LONG // 2) + "[" * 65]),
    ],
    ids=lambda value: ascii(value[:12]),
)
def test_hostile_texts_end_in_an_answer(text, answer):
    if isinstance(answer, list):
        assert parse(text.encode(), max_bytes=2 * LONG) == answer
    else:
        with pytest.raises(FormatError, match=answer):
            parse(text.encode(), max_bytes=2 * LONG)


def test_size_is_checked_before_anything():
    with pytest.raises(FormatError, match="more than"):
        parse(b"\xff" * (MAX_JSON_BYTES + 1))
    parse(b"[" + b" " * (MAX_JSON_BYTES - 2) + b"]")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), MAX_INTEGER + 1, -MAX_INTEGER - 1])
def test_numbers_without_a_canonical_form(value):
    for wrapped in (value, [value], {"a": value}):
        with pytest.raises(FormatError, match="no canonical form"):
            encode(wrapped)


@pytest.mark.parametrize(
    "value", ["\ud800", {"\ud800": 1}, ["\udfff"], {1: 2}, {None: 1}, b"x", {"a": {1, 2}}, object()]
)
def test_values_without_a_canonical_form(value):
    with pytest.raises(FormatError, match="no canonical form"):
        encode(value)


def test_a_circle_has_no_canonical_form():
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(FormatError, match="nested too deeply"):
        encode(circle)


def test_true_is_not_one():
    assert encode([True, 1]) == b"[true,1]"
    assert parse(b"[true,1]")[0] is True


def test_not_an_object_is_still_json():
    assert parse(b"7") == 7
    assert parse_canonical(b'"x"') == "x"


@given(
    members=st.dictionaries(
        st.one_of(names, st.sampled_from(["proof", "prooe", "proof!", "prop"])), foreign, max_size=6
    ),
    value=foreign,
)
@example(members={}, value={})
@example(members={"proof": 1}, value={"proofValue": "z"})
@example(members={"a": 3}, value={"\U0001f602": 1, "\ufb33": 2})
@example(members={"\U0001f602": 1, "\ufb33": 2, "a": 3}, value=[])
def test_a_document_knows_its_canonical_form_with_and_without_a_member(members, value):
    document = Document(members)
    assert document.canonical == rfc8785.dumps(members)
    without = {name: item for name, item in members.items() if name != "proof"}
    assert document.encode_part(without) == rfc8785.dumps(without)
    assert document.holding("proof", value) == rfc8785.dumps({**without, "proof": value})


@given(plain.filter(lambda value: type(value) is dict), st.booleans())
def test_a_document_read_is_the_one_encoded(members, spaced):
    text = json.dumps(members, indent=1).encode() if spaced else encode(members)
    document = Document.parse(text)
    assert document.members == members
    assert document.canonical == encode(members)
    for part in ({k: v for k, v in members.items() if k != "a"}, *members.values()):
        if isinstance(part, dict):
            assert document.encode_part(part) == encode(part)


def test_a_document_is_an_object_with_a_canonical_form():
    for members in ({"a": float("nan")}, {"z": "\ud800"}):
        with pytest.raises(FormatError):
            Document(members)
    with pytest.raises(FormatError):
        Document({}).holding("proof", 2**53)
    for text in (b"[]", b"7", b'{"a":1,"a":1}', b'{"a":1.5}', b'{"a":null}'):
        with pytest.raises(FormatError):
            Document.parse(text)


# The fast reader and writer must never be looser, or other, than the strict reader and rfc8785.


def outcome(read, data, **options):
    try:
        return read(data, **options), None
    except FormatError as error:
        return None, error.message


def strictly(monkeypatch, data, **options):
    with monkeypatch.context() as patch:
        patch.setattr(jsontext, "_canonical_value", lambda _: None)
        return outcome(parse, data, **options)


NEARLY_CANONICAL = [
    *(case["input"].encode() for case in cases("accept.json")),
    *(case["canonical"].encode() for case in cases("accept.json")),
    *(bytes.fromhex(case["inputHex"]) for case in cases("refuse.json")),
    *(case["input"].encode() for case in cases("not-canonical.json")),
    *(b"[" * depth + leaf + b"]" * depth for depth in (63, 64, 65, 66) for leaf in (b"", b"7")),
    *(str(2**power + more).encode() for power in (53, 63, 64) for more in (-1, 0, 1)),
    *(b"[-%d]" % (2**power + more) for power in (53, 63, 64) for more in (-1, 0, 1)),
    *(b"1.0 1.5 -0 -0.0 1e1 1e16 1e400 5e-324 NaN Infinity nan 01 +1 .5 null None".split()),
    b'{"\xef\xac\xb3":2,"\xf0\x9f\x98\x82":3}',  # by code point, which is not by UTF-16 unit
    b'{"\xf0\x9f\x98\x82":3,"\xef\xac\xb3":2}',
    b'"\\u0041"',
    b'"\\/"',
    b'"\x7f"',
    b'"\\u007f"',
    b'"\\u2028"',
    b"",
    b" ",
    b"1 ",
    b"1\x00",
]


@pytest.mark.parametrize("data", NEARLY_CANONICAL, ids=repr)
def test_the_fast_reader_reads_as_the_strict_one(data, monkeypatch):
    for options in ({}, {"floats": True, "nulls": True}):
        assert repr(outcome(parse, data, **options)) == repr(strictly(monkeypatch, data, **options))


@given(
    st.one_of(
        foreign.map(lambda value: json.dumps(value, separators=(",", ":")).encode()),
        foreign.map(rfc8785.dumps),
        foreign.map(lambda value: orjson.dumps(value, option=orjson.OPT_SORT_KEYS)),
        st.text(alphabet='[]{}",:\\ 1u0e9d8.-tfn\u00e9', max_size=40).map(str.encode),
        st.binary(max_size=40),
    ),
    st.data(),
)
def test_the_fast_reader_reads_as_the_strict_one_whatever_is_changed(data, draws):
    if data and draws.draw(st.booleans()):
        at = draws.draw(st.integers(0, len(data) - 1))
        data = data[:at] + draws.draw(st.binary(max_size=2)) + data[at + 1 :]
    for options in ({}, {"floats": True, "nulls": True}):
        with pytest.MonkeyPatch.context() as patch:
            assert repr(outcome(parse, data, **options)) == repr(strictly(patch, data, **options))


def test_every_character_is_written_as_the_reference_canonicaliser_writes_it():
    for start in range(0, 0x110000, 0x800):
        if start != 0xD800:
            text = "".join(map(chr, range(start, start + 0x800)))
            value = {"name": [text, *text]}
            assert encode(value) == rfc8785.dumps(value)
            assert parse_canonical(encode(value)) == value


@pytest.mark.parametrize("value", [UUID(int=7), Word.ONE, Colour.RED, (1, 2), Text("a")])
def test_what_is_no_json_value_is_never_written_by_the_fast_encoder(value):
    # orjson would write a UUID, an enum or a tuple; the reference decides what they are.
    for wrapped in (value, [value], {"a": value}):
        try:
            expected = rfc8785.dumps(wrapped)
        except rfc8785.CanonicalizationError:
            with pytest.raises(FormatError, match="no canonical form"):
                encode(wrapped)
        else:
            assert encode(wrapped) == expected


def test_a_record_becomes_the_members_that_its_class_writes() -> None:
    class Inner(Struct, rename="camel", omit_defaults=True):
        said_by: str = ""
        most: int | None = None

    class Outer(Struct, rename="camel"):
        file_id: Digest
        until: datetime
        parts: tuple[Inner, ...] = ()
        empty: str = ""

    record = Outer(Digest(bytes(32)), datetime(2026, 12, 1, tzinfo=UTC), (Inner(), Inner("me", 3)))
    assert as_json({"one": record}) == {
        "one": {
            "fileId": "blake3:" + "00" * 32,
            "until": "2026-12-01T00:00:00Z",
            "parts": [{}, {"saidBy": "me", "most": 3}],
            "empty": "",
        }
    }
