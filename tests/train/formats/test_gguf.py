"""GGUF files of strangers: every length is a claim."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import PolicyError

pytest.importorskip("gguf")

from lyrikstore.train.worker.gguf_import.convert import FILE, FOLDER, convert
from lyrikstore.train.worker.gguf_import.gguf_file import MAX_ITEMS, GgufFile
from lyrikstore.train.worker.gguf_import.gguf_tokenizer import tokenizer_of
from lyrikstore.train.worker.hashed_read import StagedFiles


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def gguf(members=(), tensors=(), data=b"", version=3, magic=b"GGUF"):
    """Return a file: members are name, type and bytes; tensors name, lengths, type and offset."""
    head = magic + struct.pack("<IQQ", version, len(tensors), len(members))
    for name, kind, value in members:
        head += text(name) + struct.pack("<I", kind) + value
    for name, lengths, kind, offset in tensors:
        head += text(name) + struct.pack("<I", len(lengths))
        head += struct.pack(f"<{len(lengths)}QIQ", *lengths, kind, offset)
    return head + b"\0" * (-len(head) % 32) + data


def read(folder, data):
    """Return what is read of such a file."""
    path = folder / "model.gguf"
    path.write_bytes(data)
    with path.open("rb") as file:
        return GgufFile(file, path.name)


LONG = struct.pack("<IQ", 0, MAX_ITEMS + 1) + b"0" * (MAX_ITEMS + 1)
ONE = (("a.weight", (32,), 0, 0),)


@pytest.mark.parametrize(
    "file",
    [
        b"",
        gguf(magic=b"GGML"),
        gguf(version=9),
        gguf(version=3 << 24),
        b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60),
        gguf([("a", 8, struct.pack("<Q", 1 << 40))]),
        gguf([("a", 8, struct.pack("<Q", 40))]),
        gguf([("a", 8, text("x" * ((1 << 20) + 1)))]),
        gguf([("a", 9, struct.pack("<IQ", 8, 1 << 40))]),
        gguf([("a", 9, struct.pack("<IQ", 9, 1))]),
        gguf([("a", 9, LONG)]),
        gguf([("a", 99, b"")]),
        gguf([("a", 4, b"\0" * 4)] * 2),
        gguf([("general.alignment", 6, struct.pack("<f", 32.0))]),
        gguf([("general.alignment", 9, struct.pack("<IQI", 4, 1, 32))]),
        gguf(tensors=ONE),
        gguf(tensors=ONE * 2, data=b"\0" * 256),
        gguf(tensors=(*ONE, ("b.weight", (32,), 0, 32)), data=b"\0" * 256),
        gguf(tensors=(("a", (1 << 40, 1 << 40), 0, 0),)),
        gguf(tensors=(("a", (33,), 8, 0),), data=b"\0" * 64),
        gguf(tensors=(("a", (32,), 0, 7),), data=b"\0" * 256),
        gguf(tensors=(("a", (32,), 0, (1 << 64) - 32),), data=b"\0" * 256),
        gguf(tensors=(("a", (32,), 99, 0),), data=b"\0" * 256),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, file):
    with pytest.raises(PolicyError) as caught:
        read(tmp_path, file)
    assert caught.value.kind == "unsafe-model"


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_else_than_being_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("gguf")
    try:
        found = read(folder, b"GGUF" + data)
    except PolicyError:
        return
    assert not found.tensors  # a head that announces nothing


def test_a_text_that_is_none_is_refused_where_it_is_taken(tmp_path):
    found = read(tmp_path, gguf([("a", 8, struct.pack("<Q", 1) + b"\xff"), ("b", 7, b"\1")]))
    assert found.value("b") is True
    with pytest.raises(PolicyError) as caught:
        found.value("a")
    assert caught.value.kind == "unsafe-model"


def test_a_tokenizer_of_an_unknown_kind_is_refused(tmp_path):
    cut = struct.pack("<IQ", 8, 1) + text("gpt-2")
    members = [("tokenizer.ggml.model", 8, text("gpt2")), ("tokenizer.ggml.pre", 9, cut)]
    with pytest.raises(PolicyError) as caught:
        tokenizer_of(read(tmp_path, gguf(members)))
    assert caught.value.kind == "unknown-model"


@pytest.mark.parametrize(
    "members",
    [
        [("general.architecture", 8, text("bert"))],
        [("general.architecture", 8, text("llama"))],
        [
            ("general.architecture", 8, text("llama")),
            ("llama.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", float("nan"))),
        ],
    ],
)
def test_a_file_without_a_model_is_not_converted(tmp_path, members):
    (tmp_path / FILE).write_bytes(gguf(members))
    with pytest.raises(PolicyError) as caught:
        convert({"name": "a.gguf"}, StagedFiles(tmp_path, lambda *_: None), lambda *_: None)
    assert caught.value.kind == "unknown-model"
    assert not list((tmp_path / FOLDER).iterdir())
