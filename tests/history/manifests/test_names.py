"""Names and the ways people refer to things."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.history.manifests.kinds import PREFIXES
from lyrikstore.history.manifests.names import (
    IdRef,
    Name,
    NameRef,
    PrefixRef,
    parse_name,
    parse_ref,
)

SEGMENT = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True)
HEX = Digest.of(b"x").hex


@given(st.sampled_from(sorted(PREFIXES)), SEGMENT, SEGMENT)
def test_names_round_trip(prefix, namespace, leaf):
    text = f"{prefix}/{namespace}/{leaf}"
    assert str(Name.parse(text)) == text
    assert parse_name(text) == Name(prefix, namespace, leaf)
    if namespace not in PREFIXES:
        assert parse_name(f"{namespace}/{leaf}") == Name("datasets", namespace, leaf)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "datasets",
        "acme/contracts",
        "datasets/acme",
        "datasets/acme/",
        "datasets//x",
        "datasets/acme/x/y",
        "models/acme/x",
        "datasets/Acme/x",
        "datasets/acme/.x",
        "datasets/acme/-x",
        "datasets/acme/x\n",
        "datasets/acme/ä",
        "datasets/acme/" + "x" * 65,
        "datasets/acme/x~1",
    ],
)
def test_only_full_names_in_documents(text):
    with pytest.raises(FormatError):
        Name.parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme/x", NameRef(Name("datasets", "acme", "x"))),
        ("datasets/acme/x.train", NameRef(Name("datasets", "acme", "x.train"))),
        ("checkpoints/acme/x~2", NameRef(Name("checkpoints", "acme", "x"), 2)),
        ("acme/x~0", NameRef(Name("datasets", "acme", "x"))),
        ("blake3:" + HEX, IdRef(Digest.of(b"x"))),
        (HEX, IdRef(Digest.of(b"x"))),
        (HEX[:8], PrefixRef(HEX[:8])),
        ("blake3:" + HEX[:63], PrefixRef(HEX[:63])),
        ("deadbeef/cafe", NameRef(Name("datasets", "deadbeef", "cafe"))),
    ],
)
def test_refs(text, expected):
    assert parse_ref(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "x", HEX[:7], HEX + "0", HEX.upper(), "blake3:", "acme/x~", "acme/x~-1",
     "acme/x~01", "acme/x~1~2", "acme/x@v1", "datasets/x", "a/b/c/d", "~1",
     "acme/x~9999999999", "sha256:" + HEX],
)  # fmt: skip
def test_what_is_no_ref_is_refused_with_the_next_step(text):
    with pytest.raises(InvalidInputError) as caught:
        parse_ref(text)
    assert caught.value.hint
    assert "\n" not in caught.value.message


@given(st.text(max_size=80))
def test_any_text_is_a_ref_or_a_clear_error(text):
    try:
        ref = parse_ref(text)
    except InvalidInputError:
        return
    if isinstance(ref, NameRef):
        assert parse_ref(str(ref)) == ref
