"""Texts in every encoding are read as what they are, or left out with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.extract.document import ExtractOptions, extract
from lyrikstore.curate.extract.encoding import decode
from lyrikstore.curate.extract.result import Extracted, Unreadable, UnreadableError

TEXTS = {
    "de": "Die Übertragung sämtlicher Rechte wird für ungültig erklärt. Größe, Maß, Änderung.\n",
    "en": "The “Licensor” agrees — subject to its “rights” — as follows.\n",
    "fr": "Le présent contrat est régi par la loi française. Les parties élisent domicile.\n",
    "ja": "本契約は、当事者間の合意に基づき締結される。甲は乙に対して責任を負うものとする。\n",
    "ru": "Настоящий договор заключен между сторонами и регулируется законодательством.\n",
    "zh": "本合同由双方签订并受中华人民共和国法律管辖。\n",
}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("mark", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_unicode_needs_no_declaration(language: str, mark: bool, encoding: str) -> None:
    text = TEXTS[language]
    data = ("\ufeff" * mark + text).encode(encoding)
    if encoding.startswith("utf-32") and not mark:
        with pytest.raises(UnreadableError):  # so rare that it is not looked for
            decode(data)
        return
    found = decode(data)
    assert (found.text, found.encoding) == (text, encoding)
    assert found.source == ("bom" if mark else "content")


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("de", "cp1252"),
        ("en", "cp1252"),
        ("fr", "cp1252"),
        ("ja", "cp932"),
        ("ja", "euc_jp"),
        ("ru", "cp1251"),
        ("ru", "koi8_r"),
        ("zh", "gb18030"),
    ],
)
def test_other_encodings_are_guessed_and_said(language: str, encoding: str) -> None:
    text = TEXTS[language] * 3
    result = extract("x.txt", text.encode(encoding))
    assert isinstance(result, Extracted)
    assert (result.text, result.encoding, result.encoding_from) == (text, encoding, "guessed")
    assert [note.code for note in result.notes] == ["encoding-guessed"]
    declared = extract("x.txt", text.encode(encoding), ExtractOptions(encoding))
    assert isinstance(declared, Extracted)
    assert (declared.text, declared.encoding_from, declared.notes) == (text, "declared", ())


def undecodable(data: bytes, encoding: str | None = None) -> str:
    result = extract("x.txt", data, ExtractOptions(encoding))
    assert isinstance(result, Unreadable)
    assert result.reason == "undecodable"
    return result.detail


def test_mixed_encodings_and_no_text_are_left_out() -> None:
    german = TEXTS["de"]
    mixed = german.encode() * 3 + german.encode("cp1252")
    assert str(len(german.encode()) * 3 + german.encode("cp1252").index(b"\xdc")) in undecodable(
        mixed
    )
    undecodable(b"text\0\0\0more\0")
    undecodable(bytes(range(256)) * 4)
    undecodable(b"\x01\x02\x03 control characters in ASCII")
    undecodable(b"\xff\xfe" + "half".encode("utf-16-le")[:-1])
    undecodable("größer".encode("cp1252"), "utf-8")
    undecodable(german.encode("cp1252"), "ascii")


@pytest.mark.parametrize("name", ["base64", "zip", "no-such", "utf-7", "unicode_escape", "", "\0"])
def test_only_encodings_of_texts_may_be_demanded(name: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        extract("x.txt", b"x", ExtractOptions(name))
    assert error.value.kind == "bad-encoding"


@given(st.binary(max_size=200))
def test_any_bytes_give_a_text_or_a_reason(data: bytes) -> None:
    result = extract("x.txt", data)
    if isinstance(result, Extracted):
        result.text.encode()  # no lone surrogates


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=100))
def test_utf8_is_never_taken_for_something_else(text: str) -> None:
    found = decode(text.encode())
    assert found.text == text.removeprefix("\ufeff")
    assert found.encoding == "utf-8"
