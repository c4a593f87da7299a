"""GGUF files of strangers: every length is a claim."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import PolicyError
from lyrikstore.train.formats.gguf.convert import convert_gguf
from lyrikstore.train.formats.gguf.reader import read_gguf_head
from lyrikstore.train.formats.gguf.tensors import read_floats, to_bf16
from lyrikstore.train.formats.gguf.vocabulary import tokenizer_of


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


LONG = struct.pack("<IQ", 0, 3 << 20) + b"0" * (3 << 20)
ONE = (("a.weight", (32,), 0, 0),)


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (b"", "unsafe-model"),
        (gguf(magic=b"GGML"), "unsafe-model"),
        (gguf(version=9), "unsafe-model"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), "unsafe-model"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60), "unsafe-model"),
        (gguf([("a", 8, struct.pack("<Q", 1 << 40))]), "unsafe-model"),
        (gguf([("a", 9, struct.pack("<IQ", 8, 1 << 40))]), "unsafe-model"),
        (gguf([("a", 9, struct.pack("<IQ", 9, 1))]), "unsafe-model"),
        (gguf([("a", 99, b"")]), "unsafe-model"),
        (gguf([("a", 7, b"\2")]), "unsafe-model"),
        (gguf([("a", 6, struct.pack("<f", float("nan")))]), "unsafe-model"),
        (gguf([("a", 4, b"\0" * 4)] * 2), "unsafe-model"),
        (gguf([("a", 8, struct.pack("<Q", 1) + b"\xff")]), "unsafe-model"),
        (gguf([("general.alignment", 6, struct.pack("<f", 32.0))]), "unsafe-model"),
        (gguf([("general.alignment", 9, struct.pack("<IQI", 4, 1, 32))]), "unsafe-model"),
        (
            gguf([(f"{n}", 9, struct.pack("<IQ", 0, 3 << 20) + b"0" * (3 << 20)) for n in "ab"]),
            "unsafe-model",
        ),
        (gguf(tensors=ONE), "unsafe-model"),
        (gguf(tensors=ONE * 2, data=b"\0" * 256), "unsafe-model"),
        (gguf(tensors=(("a", (1 << 40, 1 << 40), 0, 0),)), "unsafe-model"),
        (gguf(tensors=(("a", (33,), 8, 0),), data=b"\0" * 64), "unsafe-model"),
        (gguf(tensors=(("a", (32,), 0, 7),), data=b"\0" * 256), "unsafe-model"),
        (gguf(tensors=(("a", (32,), 14, 0),), data=b"\0" * 256), "unknown-model"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, file, kind):
    path = tmp_path / "model.gguf"
    path.write_bytes(file)
    with pytest.raises(PolicyError) as caught:
        read_gguf_head(path)
    assert caught.value.kind == kind


def test_a_tokenizer_of_an_odd_kind_is_refused():
    with pytest.raises(PolicyError) as caught:
        tokenizer_of("a", {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": ["gpt-2"]})
    assert caught.value.kind == "unknown-model"


def test_a_file_without_a_model_is_not_converted(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf([("general.architecture", 8, text("bert"))]))
    (tmp_path / "out").mkdir()
    with pytest.raises(PolicyError) as caught:
        convert_gguf(path, tmp_path / "out")
    assert caught.value.kind == "unknown-model"
    assert not list((tmp_path / "out").iterdir())


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_else_than_being_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("gguf") / "model.gguf"
    path.write_bytes(b"GGUF" + data)
    with pytest.raises(PolicyError):
        read_gguf_head(path)


def test_blocks_are_what_they_stand_for(tmp_path):
    half = np.float16
    q8 = half(0.5).tobytes() + np.arange(-16, 16, dtype=np.int8).tobytes()
    q4 = half(2).tobytes() + bytes(range(0, 256, 17))
    q41 = half(2).tobytes() + half(-1).tobytes() + bytes(range(0, 256, 17))
    parts = [(8, q8), (2, q4), (3, q41), (1, half(3).tobytes() * 32)]
    tensors, data = [], b""
    for number, (kind, block) in enumerate(parts):
        tensors.append((f"t{number}", (32,), kind, len(data)))
        data += block + b"\0" * (-len(block) % 32)
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf(tensors=tensors, data=data))
    head = read_gguf_head(path)
    with path.open("rb") as file:
        found = [read_floats(file, head.tensors[f"t{number}"]) for number in range(4)]
    nibbles = np.concatenate([np.arange(16), np.arange(16)])
    assert found[0].tolist() == (np.arange(-16, 16) / 2).tolist()
    assert found[1].tolist() == (2 * (nibbles - 8)).tolist()
    assert found[2].tolist() == (2 * nibbles - 1).tolist()
    assert found[3].tolist() == [3.0] * 32


def test_rounding_to_bf16_is_that_of_torch():
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(1).normal(size=4096).astype(np.float32)
    values[:4] = [1.00390625, 1.01171875, -1.00390625, 3.3895314e38]
    wanted = torch.from_numpy(values).to(torch.bfloat16).view(torch.uint16).numpy().tobytes()
    assert to_bf16(values) == wanted
