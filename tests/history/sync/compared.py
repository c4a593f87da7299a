"""Stores and remotes compared: what lies in one, and whether two say the same."""


def contents(backend):
    return {name: backend.read(name) for name in backend.list("") if not name.startswith("tmp/")}


def same(one, other):
    """Return if two stores say the same of the home log and of every blob."""
    assert one.checkpoint.root == other.checkpoint.root
    assert dict(one.home_table.refs) == dict(other.home_table.refs)
    assert one.check_tiles() == other.check_tiles() == []
    for digest in one.blobs.iter():
        size = one.blobs.size(digest)
        assert one.blobs.read(digest, max_bytes=size) == other.blobs.read(digest, max_bytes=size)
