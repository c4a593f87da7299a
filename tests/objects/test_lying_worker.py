"""A machine of a cluster that lies, or whose memory or disk does: nothing of it is recorded."""

from pathlib import Path
from typing import Any

import pytest

from lyrikstore.api.store import Store
from lyrikstore.canon.errors import FormatError, StorageError
from lyrikstore.objects import distributed
from lyrikstore.objects.check.checker import verify_blobs
from lyrikstore.objects.parallel.dask import connect
from tests.servers.dask import new_store, scheduler, worker

pytest.importorskip("distributed")
pytestmark = [pytest.mark.xdist_group("dask"), pytest.mark.filterwarnings("default")]

LIAR = """
from pathlib import Path
from lyrikstore.objects import distributed
from lyrikstore.objects.check import check_task

KIND = {kind!r}

def place(name):
    return Path({store!r}) / "packs" / name[:2] / (name + ".pack")

def store_files(setup, task, honest=distributed.store_files):
    if KIND == "silence":
        return
    for header, digests in honest(setup, task):
        if KIND == "digest":
            digests = digests[:-1] + bytes([digests[-1] ^ 1])
        if KIND == "another's digest":
            digests = digests[-32:] + digests[32:]
        if KIND == "size":
            header["sizes"][0] += 1
        if KIND == "negative size":
            header["sizes"][0] = -1
        if KIND == "no answer":
            header = {{"packs": 7}}
        if KIND == "no pack":
            header["packs"] = []
        if KIND == "bytes of a pack":
            for name, size, _ in header["packs"]:
                data = bytearray(place(name).read_bytes())
                data[size // 3] ^= 1
                place(name).unlink()  # as it is written anew, it can be written to
                place(name).write_bytes(data)
        if KIND == "pack removed":
            for name, _, _ in header["packs"]:
                place(name).unlink(missing_ok=True)
        yield header, digests

def check_share(setup, task, *buffers, honest=check_task.check_share):
    for (header,) in honest(setup, task, *buffers):
        if KIND == "no number":
            yield ({{"read": "all of it"}},)
        if "packs" in header:
            if KIND == "silence":
                continue
            header["packs"] = [[count, ""] for count, _ in header["packs"]]
            header["blocks"] = header["blobs"] = []
        yield (header,)

distributed.store_files, check_task.check_share = store_files, check_share
"""
REFUSED = dict.fromkeys(("negative size", "no answer", "silence"), "bad-answer")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(
        distributed, "_SHARE_MIN", 2000
    )  # several shares: the liar gets one of them
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(24):
        (folder / f"{number:02}.txt").write_text(f"text {number}\n" * 100)
    return folder


def lie(folder: Path, kind: str) -> Path:
    path = folder / "liar.py"
    path.write_text(LIAR.format(kind=kind, store=str(folder / "store")))
    return path


KINDS = ("digest", "another's digest", "size", "negative size", "no answer", "no pack", "silence")
SPOILT = ("bytes of a pack", "pack removed")


@pytest.mark.parametrize(
    ("kind", "honest"),
    # Without an honest worker it is the driver that looks again.
    [*((kind, 1) for kind in (*KINDS, *SPOILT)), ("digest", 0), ("bytes of a pack", 0)],
)
def test_what_a_worker_stored_wrongly_is_not_recorded(
    tmp_path: Path, data: Path, kind: str, honest: int
) -> None:
    store = new_store(tmp_path)
    with (
        scheduler(tmp_path) as address,
        worker(tmp_path, address, "--preload", lie(tmp_path, kind)),
        connect(address) as cluster,
    ):
        if honest:
            with worker(tmp_path, address):
                cluster.wait(2)
                error = refused(store, data, cluster)
        else:
            error = refused(store, data, cluster)
    assert error.kind == REFUSED.get(kind, "workers-differ")
    assert error.hint or kind in REFUSED
    assert "datasets/acme/corpus" not in store.repository.refs
    assert store.verify().verdict == "trusted"
    # What it left in the store does no harm to whoever stores the same.
    made = store.commit(data, "acme/corpus").manifest
    assert made is not None
    store.checkout(str(made.id), tmp_path / "out")
    for path in data.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def refused(store: Store, data: Path, cluster: Any) -> StorageError | FormatError:
    with pytest.raises((StorageError, FormatError)) as caught:
        store.commit(data, "acme/corpus", pools=cluster.pool)
    return caught.value


@pytest.mark.parametrize("kind", ["all is well", "silence", "no number"])
def test_damage_that_a_worker_keeps_quiet_about_is_found(
    tmp_path: Path, data: Path, kind: str
) -> None:
    store = new_store(tmp_path)
    store.commit(data, "acme/corpus")
    for pack in store.repository.blobs.packs:
        path = tmp_path / "store" / pack.name
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 3] ^= 1
        path.chmod(0o600)
        path.write_bytes(damaged)
    with (
        scheduler(tmp_path) as address,
        worker(tmp_path, address, "--preload", lie(tmp_path, kind)),
        worker(tmp_path, address),
        connect(address) as cluster,
    ):
        cluster.wait(2)
        found = list(verify_blobs(store.repository.blobs, pools=cluster.pool))
    alone = list(verify_blobs(store.repository.blobs))
    assert sorted(map(str, found)) == sorted(map(str, alone))
    assert len([result for result in found if result.problem]) >= len(store.repository.blobs.packs)
