"""Strict JSON and RFC 8785: vectors, a second opinion, and texts made to hurt (A18)."""

import contextlib
import json
import time
from pathlib import Path

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.jsontext import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_INTEGER,
    Around,
    encode,
    parse,
    parse_canonical,
)

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors" / "canonical-json"


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
    if depth <= MAX_DEPTH:
        parse(data)
    else:
        with pytest.raises(FormatError, match="nested deeper"):
            parse(data)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "[" * 65 + '"' + '\\"' * 500_000,
        "[" * 65 + '"' * 1_000_001,
        '["' + "[" * 1_000_000 + '"]',
        '["' + "\\\\" * 500_000 + '"]',
        "[" + '"[",' * 250_000,
        "{" + '"a":[' * 200_000,
    ],
)
def test_hostile_texts_cost_linear_time(text):
    started = time.process_time()
    with contextlib.suppress(FormatError):
        parse(text.encode(), max_bytes=1 << 21)
    assert time.process_time() - started < 2


def test_size_is_checked_before_anything():
    with pytest.raises(FormatError, match="more than"):
        parse(b"\xff" * (MAX_BYTES + 1))
    parse(b"[" + b" " * (MAX_BYTES - 2) + b"]")


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
    document=st.dictionaries(
        st.one_of(names, st.sampled_from(["proof", "prooe", "proof!", "prop"])), foreign, max_size=6
    ),
    value=foreign,
)
@example(document={}, value={})
@example(document={"proof": 1}, value={"proofValue": "z"})
@example(document={"\U0001f602": 1, "\ufb33": 2, "a": 3}, value=[])
def test_around_a_member_is_the_canonical_form_with_and_without_it(document, value):
    without = {name: item for name, item in document.items() if name != "proof"}
    around = Around(document, "proof")
    assert around.without == encode(without)
    assert around.holding(value) == encode({**without, "proof": value})


def test_around_a_member_refuses_what_has_no_canonical_form():
    for document in ({"a": float("nan")}, {"z": "\ud800"}):
        with pytest.raises(FormatError):
            Around(document, "proof")
    with pytest.raises(FormatError):
        Around({}, "proof").holding(2**53)
