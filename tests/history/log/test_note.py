"""Signed notes: the published vector, strictness, and every flipped byte."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    VerificationError,
)
from lyrikstore.canon.limits import MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.log.checkpoint import LogCheckpoint
from lyrikstore.history.log.note import VerifierKey, is_name, open_note, sign_note, split_note
from tests.kinds import refused

SIGNER = KeySigner(PrivateKey.from_seed(b"\x07" * 32))
OTHER = KeySigner(PrivateKey.from_seed(b"\x08" * 32))
NAME = "example.org/lyrik/log1"
KEY = VerifierKey(NAME, SIGNER.public)
VKEY = "example.org/lyrik/log1+15a48bb8+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
# Accepted by Go's x/mod/sumdb/note and transparency-dev/formats/log.
NOTE = (
    "example.org/lyrik/log1\n1000\nGhsiGwv+S6UHhIWnhmdlauIAJag4KgddGhmpCzB5yts=\n\n"
    "\u2014 example.org/lyrik/log1 FaSLuAAMovj8i7jXFG8rF+leEWeAVzAX5XoEsNIqlB9qoIOzmVqel0OY"
    "APP9ZAK/kMIF9krgxXLhp+/Oo962UhUFsQs=\n"
).encode()


def test_vector_key_and_note():
    assert str(KEY) == VKEY
    assert VerifierKey.parse(VKEY) == KEY
    opened = open_note(NOTE, [KEY])
    assert opened.signers == (KEY,)
    head = LogCheckpoint.parse(opened.text)
    assert (head.origin, head.size) == (NAME, 1000)
    assert head.sign(SIGNER) == NOTE


def test_every_flipped_bit_is_refused():
    for position in range(len(NOTE)):
        for bit in (0, 1, 5, 7):
            broken = bytearray(NOTE)
            broken[position] ^= 1 << bit
            with pytest.raises((FormatError, VerificationError)):
                open_note(bytes(broken), [KEY])


def test_every_truncation_is_refused():
    for length in range(len(NOTE)):
        with pytest.raises((FormatError, VerificationError)):
            open_note(NOTE[:length], [KEY])


def test_unknown_key_same_name_other_id():
    note = sign_note("hello\n", NAME, OTHER)
    with pytest.raises(VerificationError) as caught:
        open_note(note, [KEY])
    assert caught.value.kind == "unknown-log-key"


def test_same_key_other_name_is_another_key():
    note = sign_note("hello\n", "example.org/other", SIGNER)
    with pytest.raises(VerificationError):
        open_note(note, [KEY])


def test_a_forged_line_of_a_known_key_spoils_the_note():
    other = VerifierKey(NAME, OTHER.public)
    good = sign_note("hello\n", NAME, OTHER)
    forged = sign_note("goodbye\n", NAME, SIGNER).rpartition(b"\n\n")[2]
    assert open_note(good + forged, [other]).signers == (other,)
    with pytest.raises(VerificationError) as caught:
        open_note(good + forged, [other, KEY])
    assert caught.value.kind == "bad-log-signature"


def test_witness_lines_of_unknown_type_are_ignored():
    line = "\u2014 witness.example/w1 " + "AAAAAQAAAAAAAAAAAAAA" + "\n"
    assert open_note(NOTE + line.encode(), [KEY]).signers == (KEY,)


def test_two_known_signers():
    keys = [KEY, VerifierKey(NAME, OTHER.public)]
    note = sign_note("a\n\nb\n", NAME, SIGNER)
    note += sign_note("a\n\nb\n", NAME, OTHER).rpartition(b"\n\n")[2]
    opened = open_note(note, keys)
    assert opened.text == "a\n\nb\n"
    assert set(opened.signers) == set(keys)


@pytest.mark.parametrize("text", ["", "no newline", "tab\there\n", "nul\0\n", "cr\r\n"])
def test_text_that_is_no_note(text):
    with refused("bad-note"):
        sign_note(text, NAME, SIGNER)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\u2003b", "a\nb", "x" * 256, "\ud800", "a\x7f"]
)
def test_bad_names(name):
    assert not is_name(name)
    with pytest.raises(InvalidInputError):
        VerifierKey(name, SIGNER.public)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        VKEY[:-1],
        VKEY + "=",
        VKEY.replace("15a48bb8", "15A48BB8"),
        VKEY.replace("15a48bb8", "15a48bb9"),
        VKEY.replace("log1", "log2"),
        VKEY.replace("+Aep", "+Bep"),
        " " + VKEY,
        VKEY + "\n",
    ],
)
def test_bad_vkeys(text):
    with refused("bad-vkey"):
        VerifierKey.parse(text)


def test_weak_key_in_vkey():
    identity = b"\x01" + b"\0" * 31
    with pytest.raises(LyrikstoreError) as caught:
        VerifierKey.parse("a+00000000+" + b64encode(b"\x01" + identity).decode())
    assert caught.value.kind == "weak-key"


def test_limits():
    with pytest.raises(FormatError):
        split_note(b"a" * (MAX_NOTE_BYTES + 1))
    line = NOTE.rpartition(b"\n\n")[2]
    with pytest.raises(FormatError):
        split_note(NOTE + line * MAX_NOTE_SIGNATURES)
    assert open_note(NOTE + line * 15, [KEY]).signers == (KEY,)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_crash(data):
    with pytest.raises((FormatError, VerificationError)):
        open_note(data, [KEY])


@given(st.text(st.characters(min_codepoint=0x20, blacklist_categories=["Cs"]), max_size=60))
def test_round_trip(line):
    note = sign_note(line + "\n", NAME, SIGNER)
    assert open_note(note, [KEY]).text == line + "\n"
