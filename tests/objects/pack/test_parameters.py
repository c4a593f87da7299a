"""The file that tells writers how to write: strict, optional, and nobody else's business."""

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.objects.pack.parameters import Parameters, parse_parameters, read_parameters


def test_defaults_and_values(box) -> None:
    assert read_parameters(box.backend) == Parameters()
    box.backend.create("parameters", b'{"fineBytes":8192,"level":3,"v":1}')
    assert read_parameters(box.backend) == Parameters(fineBytes=8192, level=3)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "bad-json"),
        (b"[]", "bad-parameters"),
        (b"{}", "bad-parameters"),
        (b'{"v":2}', "newer-format"),
        (b'{"v":true}', "bad-parameters"),
        (b'{"v":1} ', "not-canonical"),
        (b'{"more":1,"v":1}', "bad-parameters"),
        (b'{"fineBytes":4095,"v":1}', "bad-parameters"),
        (b'{"fineBytes":512,"v":1}', "bad-parameters"),
        (b'{"coarseBytes":2097152,"v":1}', "bad-parameters"),
        (b'{"packBytes":104857601,"v":1}', "bad-parameters"),
        (b'{"blockBytes":8388608,"v":1}', "bad-parameters"),
        (b'{"level":20,"v":1}', "bad-parameters"),
        (b'{"level":"1","v":1}', "bad-parameters"),
    ],
)
def test_refused(data: bytes, kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_parameters(data)
    assert caught.value.kind == kind


def test_readers_do_not_look_at_them(box) -> None:
    (digest,) = box.commit([b"hello"])
    box.backend.create("parameters", b"junk")
    store = box.open()
    assert store.read(digest, max_bytes=9) == b"hello"
    with pytest.raises(FormatError):
        store.writer()


def test_every_value_makes_the_same_ids(box, tmp_path) -> None:
    data = b"".join(b"%d words " % number for number in range(300_000))
    text = (
        b'{"blockBytes":65536,"coarseBytes":65536,"fineBytes":1024,"level":19,'
        b'"packBytes":1048576,"v":1}'
    )
    box.backend.create("parameters", text)
    (digest,) = box.commit([data])
    assert digest == Digest.of(data)
    assert box.open().read(digest, max_bytes=1 << 30) == data
