"""Base64 has one spelling."""

from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.base64 import decode_base64, decode_base64url
from lyrikstore.canon.errors import FormatError
from lyrikstore.credentials.model.status_list import inflate, pack


@given(st.binary(max_size=70))
def test_what_is_written_is_read(data: bytes) -> None:
    assert decode_base64(b64encode(data).decode(), "bad-note") == data
    assert decode_base64url(urlsafe_b64encode(data).rstrip(b"=").decode(), "bad-note") == data


@pytest.mark.parametrize(
    "text", ["QQ", "QR==", "Q", "QQ= =", "QQ==\n", " QQ==", "Q-==", "é", "Q\ud800"]
)
def test_no_other_spelling(text: str) -> None:
    with pytest.raises(FormatError, match="not base64"):
        decode_base64(text, "bad-note")


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "Q Q", "QQ\n", "Q+", "é", "Q\ud800"])
def test_no_other_spelling_for_urls(text: str) -> None:
    with pytest.raises(FormatError, match="not base64url"):
        decode_base64url(text, "bad-note")


def test_a_status_list_has_one_spelling() -> None:
    sound = pack(bytes(1 << 14))
    assert inflate(sound) == bytes(1 << 14)
    padding = -len(sound[1:]) % 4
    if not padding:
        sound = pack(bytes((1 << 14) + 5))
    with pytest.raises(FormatError, match="not one gzip member"):
        inflate(sound[:-1] + chr(ord(sound[-1]) + 1))
