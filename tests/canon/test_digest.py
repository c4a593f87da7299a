"""One digest, one spelling in each place."""

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, NotFoundError, StorageError

EMPTY = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"

raws = st.binary(min_size=32, max_size=32)


def test_known_digests():
    assert Digest.of(b"").hex == EMPTY
    # The first official BLAKE3 test vectors: input bytes 0, 1, 2, … 250, 0, 1, …
    pattern = bytes(i % 251 for i in range(1025))
    assert Digest.of(pattern[:1]).hex == (
        "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"
    )
    assert Digest.of(pattern[:1024]).hex == (
        "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"
    )
    assert Digest.of(pattern).hex == (
        "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"
    )


@given(raws)
def test_laws(raw):
    digest = Digest(raw)
    assert Digest.parse(str(digest)) == digest
    assert Digest.parse_urn(digest.urn) == digest
    assert Digest.parse_hex(digest.hex) == digest
    assert pickle.loads(pickle.dumps(digest)) == digest
    assert len({digest, Digest(raw)}) == 1
    assert digest.hex.startswith(digest.short)


@given(raws, raws)
def test_order_is_by_bytes(a, b):
    assert (Digest(a) < Digest(b)) == (a < b)


def test_multibase():
    digest = Digest.parse_hex("c9e8446d0115e411659fe50f8372e33b66a311838c0d69a14134e5c8259aca64")
    assert digest.multibase == "uHiDJ6ERtARXkEWWf5Q-DcuM7ZqMRg4wNaaFBNOXIJZrKZA"


WRONG = [
    "",
    EMPTY,
    f"urn:blake3:{EMPTY}",
    f"blake3:{EMPTY.upper()}",
    f"BLAKE3:{EMPTY}",
    f"blake3:{EMPTY[:-1]}",
    f"blake3:{EMPTY}0",
    f"blake3:{EMPTY}\n",
    f" blake3:{EMPTY}",
    f"blake3:{EMPTY[:12]}",
    f"sha256:{EMPTY}",
    f"md5:{EMPTY[:32]}",
    f"blake3:{EMPTY[:-1]}\uff11",
    f"blake3:{EMPTY[:-1]}g",
    None,
    7,
    EMPTY.encode(),
]


@pytest.mark.parametrize("text", WRONG)
def test_no_other_spelling(text):  # A19
    with pytest.raises(FormatError) as caught:
        Digest.parse(text)
    assert caught.value.kind == "bad-digest"
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("text", [f"blake3:{EMPTY}", EMPTY[:-1], EMPTY.upper(), EMPTY + "\n", None])
def test_no_other_hex(text):
    with pytest.raises(FormatError):
        Digest.parse_hex(text)
    with pytest.raises(FormatError):
        Digest.parse_urn(text)


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33), bytearray(32), "0" * 32, None])
def test_exactly_32_bytes(raw):
    with pytest.raises(FormatError):
        Digest(raw)


def test_of_file(tmp_path: Path):
    data = os.urandom((1 << 20) + 17)
    (tmp_path / "a").write_bytes(data)
    assert Digest.of_file(tmp_path / "a") == Digest.of(data)
    with pytest.raises(NotFoundError) as caught:
        Digest.of_file(tmp_path / "gone")
    assert caught.value.kind == "no-file"
    with pytest.raises(StorageError):
        Digest.of_file(tmp_path)
