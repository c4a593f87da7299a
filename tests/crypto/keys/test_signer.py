"""Signers by URI."""

from pathlib import Path

import pytest

from lyrikstore.canon.errors import InvalidInputError, KeyMaterialError
from lyrikstore.crypto.keys import signer as signers
from lyrikstore.crypto.keys.key_file import create_key
from lyrikstore.crypto.keys.signer import KeySigner, Signer, file_uri, signer_from_uri
from lyrikstore.testing.keys import key_for, signer_for


def test_key_signer():
    signer: Signer = KeySigner(key_for("ada"))
    assert signer.public == key_for("ada").public
    assert signer.did.startswith("did:key:z6Mk")
    assert signer.public.verify(signer.sign(b"m"), b"m")
    assert key_for("ada").seed_for_key_file().hex() not in repr(signer)
    assert "<secret>" in repr(signer)


@pytest.mark.parametrize("folder", ["keys", "my keys", "100%", "%20", "a#b?c", "schlüssel", "a:b"])
def test_file_uri(tmp_path, folder):
    stored = create_key(tmp_path / folder, "ada", None)
    uri = file_uri(stored.path)
    assert uri.isascii()
    assert " " not in uri
    assert signer_from_uri(uri, None).public == stored.public
    assert signer_from_uri(uri.replace("file:/", "file:///", 1), None).public == stored.public


def test_encrypted_key_by_uri(tmp_path, monkeypatch):
    monkeypatch.setattr("lyrikstore.crypto.keys.key_file.BCRYPT_ROUNDS", 1)
    stored = create_key(tmp_path / "keys", "ada", b"pw")
    asked = []

    def ask(path):
        asked.append(path)
        return b"pw"

    assert signer_from_uri(file_uri(stored.path), ask).public == stored.public
    assert asked == [stored.path]


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "file",
        "file:",
        "file:key",
        "file:./key",
        "file:~/key",
        "file://host/key",
        "file:////key",
        "file:/a%00b",
        "/abs/path",
        "http://example.org/key",
        "FILE:/a",
        "pkcs11:token=x",
        "ssh-agent:",
    ],
)
def test_bad_uris(uri):
    with pytest.raises(InvalidInputError) as caught:
        signer_from_uri(uri, None)
    assert caught.value.kind == "bad-signer"
    assert caught.value.hint


def test_missing_key():
    with pytest.raises(KeyMaterialError) as caught:
        signer_from_uri("file:/nowhere/at/all", None)
    assert caught.value.kind == "key-missing"


def test_relative_path_has_no_uri():
    with pytest.raises(InvalidInputError):
        file_uri(Path("key"))


def test_a_new_scheme_is_one_entry(monkeypatch):
    monkeypatch.setitem(
        signers.SIGNER_FOR_URI_SCHEME, "test", lambda rest, _passphrase: signer_for(rest)
    )
    assert signer_from_uri("test:ada", None).did == signer_for("ada").did
