"""Transaction records: exact bytes, strict parsing, slots won once, no gaps."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    StorageError,
    VerificationError,
)
from lyrikstore.objects.backends.base import LocalBackend
from lyrikstore.objects.pack.format import PACK_MAX, ROLES, PackRef
from lyrikstore.objects.store.transactions import (
    LogItem,
    Transaction,
    TransactionLog,
    fold,
    parse_transaction,
)
from lyrikstore.testing.backends import FaultyBackend, MemoryBackend
from tests.kinds import refused

DIGESTS = st.binary(min_size=32, max_size=32).map(Digest)
TRANSACTIONS = st.builds(
    Transaction,
    seq=st.integers(0, 2**53 - 1),
    log=st.lists(
        st.builds(LogItem, type=st.sampled_from(["manifest", "credential"]), id=DIGESTS), max_size=4
    ).map(tuple),
    added=st.lists(
        st.builds(PackRef, id=DIGESTS, bytes=st.integers(1, PACK_MAX), role=st.sampled_from(ROLES)),
        max_size=3,
    ).map(tuple),
    dropped=st.lists(DIGESTS, max_size=3).map(tuple),
    chunk_lists=st.lists(st.tuples(DIGESTS, DIGESTS), max_size=3).map(tuple),
)
EXAMPLE = Transaction(
    7,
    (LogItem("manifest", Digest(b"\1" * 32)),),
    (PackRef(Digest(b"\2" * 32), 1234, "data"),),
    (Digest(b"\3" * 32),),
    ((Digest(b"\4" * 32), Digest(b"\5" * 32)),),
)


@given(TRANSACTIONS)
def test_round_trip(transaction: Transaction) -> None:
    data = transaction.encode()
    assert parse_transaction(data, transaction.seq) == transaction
    assert transaction.id == Digest.of(data)


def test_every_changed_byte_changes_or_refuses() -> None:
    data = EXAMPLE.encode()
    for at in range(len(data)):
        for mask in (1, 32, 128):
            changed = bytearray(data)
            changed[at] ^= mask
            try:
                assert parse_transaction(bytes(changed), 7) != EXAMPLE
            except LyrikstoreError:
                continue


def document(**changes):
    value = json.parse(EXAMPLE.encode())
    value.update(changes)
    return json.encode({k: v for k, v in value.items() if v != "absent"})


def added(**changes):
    pack = {"id": "blake3:" + "0" * 64, "bytes": 1, "role": "data"} | changes
    pack = {k: v for k, v in pack.items() if v != "absent"}
    return document(packs={"add": [pack], "drop": []})


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "bad-json"),
        (b"[]", "bad-record"),
        (b"{}", "bad-record"),
        (EXAMPLE.encode() + b"\n", "not-canonical"),
        (EXAMPLE.encode()[:-1], "bad-json"),
        (document(v=2), "newer-format"),
        (document(v=True), "bad-record"),
        (document(v="1"), "bad-record"),
        (document(seq=8), "bad-record"),
        (document(seq="7"), "bad-record"),
        (document(extra=1), "bad-record"),
        (document(chunkLists="absent"), "bad-record"),
        (document(log={}), "bad-record"),
        (document(log=[{"type": "transaction", "id": "blake3:" + "0" * 64}]), "bad-record"),
        (document(log=[{"type": ["manifest"], "id": "blake3:" + "0" * 64}]), "bad-record"),
        (document(log=[{"type": "manifest", "id": "blake3:" + "0" * 63}]), "bad-digest"),
        (document(packs={"add": []}), "bad-record"),
        (added(), ""),
        (added(role="absent"), "bad-record"),
        (added(role="tree"), "bad-record"),
        (added(role=["data"]), "bad-record"),
        (added(bytes="absent"), "bad-record"),
        (added(more=1), "bad-record"),
        (document(packs={"add": [], "drop": [5]}), "bad-digest"),
        *((added(bytes=size), "bad-record") for size in (0, -1, PACK_MAX + 1, True, "9")),
    ],
)
def test_refused(data: bytes, kind: str) -> None:
    if not kind:  # what the others deviate from
        assert len(parse_transaction(data, 7).added) == 1
        return
    with pytest.raises(FormatError) as caught:
        parse_transaction(data, 7)
    assert caught.value.kind == kind


@pytest.mark.parametrize("make", [LocalBackend, MemoryBackend])
def test_slots(make, root: Path) -> None:
    log = TransactionLog(make(root))
    assert log.count() == 0
    assert log.append(Transaction(0))
    assert not log.append(Transaction(0, EXAMPLE.log))
    assert log.read(0) == Transaction(0)
    assert log.append(Transaction(1, EXAMPLE.log))
    assert log.count() == 2
    with pytest.raises(InvalidInputError):
        log.append(Transaction(3))
    with pytest.raises(NotFoundError):
        log.read(2)


def test_one_winner_per_slot(root: Path) -> None:
    log = TransactionLog(LocalBackend(root))
    with ThreadPoolExecutor(8) as pool:
        for seq in range(5):
            items = [(LogItem("manifest", Digest(bytes([n]) * 32)),) for n in range(8)]
            won = list(pool.map(lambda i, s=seq: log.append(Transaction(s, i)), items))
            assert won.count(True) == 1
            assert log.read(seq).log == items[won.index(True)]


def test_gaps_and_litter(root: Path) -> None:
    log = TransactionLog(LocalBackend(root))
    for seq in range(4):
        log.append(Transaction(seq))
    (root / "tx" / "00000000000000000001~").write_bytes(b"an editor's backup")
    assert log.count() == 4
    (root / "tx" / f"{1:020d}").unlink()
    with pytest.raises(VerificationError) as caught:
        log.count()
    assert caught.value.kind == "transaction-missing"


def test_a_renamed_record_is_refused(root: Path) -> None:
    log = TransactionLog(LocalBackend(root))
    log.append(Transaction(0))
    (root / "tx" / f"{0:020d}").rename(root / "tx" / f"{1:020d}")
    with pytest.raises(FormatError):
        log.read(1)


def test_what_cannot_be_read_back_is_not_written(root: Path) -> None:
    log = TransactionLog(LocalBackend(root))
    for bad in (
        Transaction(0, added=(PackRef(Digest(b"\2" * 32), 0, "data"),)),
        Transaction(0, (LogItem("tree", Digest(b"\2" * 32)),)),  # type: ignore[arg-type]
        Transaction(0, [LogItem("manifest", Digest(b"\2" * 32))]),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidInputError):
            log.append(bad)
    assert log.count() == 0


def test_live() -> None:
    one, two = (PackRef(Digest(bytes([n]) * 32), n + 1, "data") for n in (1, 2))
    pair = (Digest(b"\4" * 32), Digest(b"\5" * 32))
    history = [
        Transaction(0, added=(one,), chunk_lists=(pair,)),
        Transaction(1, added=(two,)),
        Transaction(2, dropped=(one.id,)),
    ]
    assert fold(history[:1]).packs == (one,)
    assert fold(history[:2]).packs == (one, two)
    assert fold(history).packs == (two,)
    assert fold(history).chunk_lists == dict([pair])
    with pytest.raises(FormatError):
        fold([*history, Transaction(3, dropped=(one.id,))])


@pytest.mark.parametrize("after", [False, True])
def test_a_failed_append_is_all_or_nothing(tmp_path: Path, after: bool) -> None:
    inner = MemoryBackend(tmp_path)
    with pytest.raises(StorageError):
        TransactionLog(FaultyBackend(inner, 1, "disk-full", after=after)).append(Transaction(0))
    assert TransactionLog(inner).count() == int(after)


def test_a_record_that_is_not_there(tmp_path: Path) -> None:
    with refused("no-transaction"):
        TransactionLog(MemoryBackend(tmp_path)).read(0)
