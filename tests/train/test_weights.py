"""Weights that are read a tensor at a time are what safetensors' own reader makes of the file."""

import json
import struct
from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import PolicyError
from lyrikstore.train.formats.base_model import _BYTES
from lyrikstore.train.worker.hashed_read import StagedFiles

pytestmark = [pytest.mark.train]


def reader(folder: Path) -> tuple[StagedFiles, list[tuple[str, Digest]]]:
    read: list[tuple[str, Digest]] = []
    return StagedFiles(folder, lambda name, digest: read.append((name, digest))), read


def test_every_type_and_shape_is_read_as_the_library_reads_it(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    from lyrikstore.train.worker.models.encoder import _TYPES, iterate_weights

    assert _TYPES.keys() == _BYTES.keys()
    torch.manual_seed(1)
    tensors = {
        f"{name}.{at}": (torch.rand(shape) * 100).to(kind)
        for name, kind in _TYPES.items()
        for at, shape in enumerate([(), (0,), (3,), (5, 7), (2, 0, 3)])
    }
    path = tmp_path / "model.safetensors"
    save_file(tensors, path)
    files, read = reader(tmp_path)
    ours, theirs = dict(iterate_weights(files, path.name)), load_file(path)
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype
        assert ours[name].shape == tensor.shape
        assert torch.equal(ours[name], tensor)
    assert read == [(path.name, Digest.of_file(path))]


@pytest.mark.parametrize("damage", ["cut", "longer", "header", "gap", "empty"])
def test_other_bytes_are_reported_even_where_they_are_no_weights(
    tmp_path: Path, damage: str
) -> None:
    import torch
    from safetensors.torch import save_file

    from lyrikstore.train.worker.models.encoder import iterate_weights

    path = tmp_path / "model.safetensors"
    save_file({"one": torch.ones(4), "two": torch.zeros(2, 2)}, path)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["two"]["data_offsets"] = [24, 40]
    moved = json.dumps(header).encode()
    path.write_bytes(
        {
            "cut": data[:-3],
            "longer": data + b"x",
            "header": struct.pack("<Q", 1 << 40) + data[8:],
            "gap": struct.pack("<Q", len(moved)) + moved + data[8 + length :],
            "empty": b"",
        }[damage]
    )
    files, read = reader(tmp_path)
    with pytest.raises((PolicyError, ValueError)):
        dict(iterate_weights(files, path.name))
    assert read == [(path.name, Digest.of_file(path))]
