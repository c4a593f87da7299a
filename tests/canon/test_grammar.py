"""A count and its noun."""

from lyrikstore.canon.text import pluralize


def test_one_and_many():
    assert [pluralize(n, "pack") for n in (0, 1, 2)] == ["0 packs", "1 pack", "2 packs"]
    assert [pluralize(n, "log entry") for n in (1, 2)] == ["1 log entry", "2 log entries"]
    assert [pluralize(n, "key") for n in (1, 2)] == ["1 key", "2 keys"]
    assert [pluralize(n, "pack is", "packs are") for n in (1, 2)] == ["1 pack is", "2 packs are"]
