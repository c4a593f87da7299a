"""What is checked of an output is what is sealed."""

import json
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import RunFailedError
from lyrikstore.train.external import output
from lyrikstore.train.external.output import check_output, find_output, seal_output
from lyrikstore.train.reproduction.compare import DigestOnly

HEAD = b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'.ljust(
    1 << 18
)  # no buffer holds it
WEIGHTS = struct.pack("<Q", len(HEAD)) + HEAD + bytes(16)


def weights(metadata: dict[str, str]) -> bytes:
    head = json.dumps({"__metadata__": metadata, **json.loads(HEAD)}).encode()
    return struct.pack("<Q", len(head)) + head + bytes(16)


PICKLE = b"\x80\x04N.".ljust(len(WEIGHTS), b"a")


class Writer(DigestOnly):
    """Stores nothing."""

    def put_file(self, stream) -> tuple[Digest, int]:
        parts = list(iter(lambda: stream.read(1 << 16), b""))
        return Digest.of(b"".join(parts)), sum(map(len, parts))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give an output with weights in a folder."""
    made = tmp_path / "output"
    (made / "deep").mkdir(parents=True)
    (made / "deep" / "model.safetensors").write_bytes(WEIGHTS)
    return made


def seal(folder: Path, between=lambda: None):
    found = find_output(folder)
    between()
    return seal_output(folder, found, Writer(), names={}, private=folder.parent)


KEY = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("logs/train.log", b"step 1\n" * 100 + KEY + b"step 2\n"),
        ("config.json", json.dumps({"model_type": "a", "extra": [KEY.decode()]}).encode()),
        ("kaggle.json", b"{}"),
        ("model.safetensors", weights({"key": KEY.decode()})),
    ],
)
def test_a_private_key_is_never_sealed(folder, path, data) -> None:
    (folder / "logs").mkdir()
    (folder / path).write_bytes(data)
    with pytest.raises(RunFailedError) as caught:
        seal(folder)
    assert caught.value.kind == "secret-found"
    assert list(caught.value.details["holds"]) == [path]
    with pytest.raises(RunFailedError):
        check_output(folder, find_output(folder), names={}, private=folder.parent)
    said = json.dumps(caught.value.to_json())
    assert not any(line in said for line in KEY.decode().splitlines()[1:-1])


def test_weights_are_sealed(folder) -> None:
    assert list(seal(folder).tree.paths) == ["deep/model.safetensors"]


@pytest.mark.parametrize("other", [PICKLE, WEIGHTS[:-20] + b"a" * 20], ids=["pickle", "head"])
def test_weights_that_are_another_file_by_now(folder, monkeypatch, other) -> None:
    # ATTACK: the head is checked, and the file is written anew before it is read whole.
    check = output.check_weights

    def checked(*arguments) -> None:
        check(*arguments)
        (folder / "deep" / "model.safetensors").write_bytes(other)

    monkeypatch.setattr(output, "check_weights", checked)
    with pytest.raises(RunFailedError) as caught:
        seal(folder)
    assert caught.value.kind == "bad-output"


@pytest.mark.parametrize("name", ["output", "output/deep"])
def test_a_folder_that_is_a_link_by_now(folder, name) -> None:
    place = folder.parent / name

    def link() -> None:
        place.rename(folder.parent / "aside")
        place.symlink_to(folder.parent / "aside")

    with pytest.raises(RunFailedError) as caught:
        seal(folder, link)
    assert caught.value.kind == "bad-output"
