"""Witnesses by file: what they cosign, what they refuse, and what the owner logs."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.audit.file.container import write_page
from lyrikstore.audit.file.select import gather
from lyrikstore.audit.times.stamps import add_time, witness_request
from lyrikstore.audit.times.witness import Cosigned, witness_checkpoint
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust, TrustedLog, TrustedWitness
from lyrikstore.history.log.cosignature import Cosignature, cosign
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.merkle import consistency_proof
from lyrikstore.history.repository.repository import Repository
from lyrikstore.testing.clocks import FrozenClock
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.times.outside import existed_by, outside_times
from tests.contexts import context_of
from tests.kinds import refused
from tests.verify.rules.stage import OWNER, RulesStage

WITNESS = signer_for("witness")


class Watching:
    """A person who runs a witness."""

    def __init__(self, folder: Path, *stores: Repository) -> None:
        self.folder = folder
        folder.mkdir()
        logs = tuple(TrustedLog(one.origin, key) for one in stores for key in one.policy.logs)
        self.trust = Trust(logs=logs)

    def cosign(self, data: bytes, name: str = "request.txt", **more: Any) -> Cosigned:
        (self.folder / name).write_bytes(data)
        given: dict[str, Any] = {
            "trust": self.trust,
            "memory": LogMemory(self.folder / "memory"),
            "state": self.folder,
            "signer": WITNESS,
            "clock": FrozenClock(),
            **more,
        }
        return witness_checkpoint(self.folder / name, **given)


@pytest.fixture
def stage(tmp_path: Path) -> RulesStage:
    stage = RulesStage(tmp_path)
    stage.dataset("clinic/notes")
    return stage


@pytest.fixture
def witness(stage: RulesStage, tmp_path: Path) -> Watching:
    return Watching(tmp_path / "witness", stage.repository)


def owner(stage: RulesStage, key: str) -> StoreContext:
    witness = TrustedWitness.parse(key.partition("+")[0], key)
    return context_of(stage.repository, signer=OWNER, trust=Trust(witnesses=(witness,)))


def request(repository: Repository, old: int) -> bytes:
    size = repository.checkpoint.size
    proof = consistency_proof(repository.records.hashes[:size], old) if 0 < old < size else []
    lines = "".join(f"{b64encode(one).decode()}\n" for one in proof)
    return f"old {old}\n{lines}\n".encode() + repository.checkpoint.note


def page(repository: Repository) -> bytes:
    return write_page(gather(repository, {"store": str(repository.store_id)}).encode(), "t")


def test_a_witness_cosigns_and_the_owner_logs_it(stage: RulesStage, witness: Watching) -> None:
    done = witness.cosign(witness_request(stage.repository))
    assert done.before is None
    context = owner(stage, done.key)
    added = add_time(context, done.note)
    assert (added.time.size, added.time.by) == (done.head.size, WITNESS.did)
    seen = existed_by(outside_times(context), done.head.size - 1)
    assert seen is not None
    assert seen.time == done.cosignature.time
    # The next request begins where the witness was.
    stage.repository.refresh()
    again = witness.cosign(witness_request(stage.repository))
    assert (again.before, again.head.size > done.head.size) == (done.head.size, True)


def test_an_audit_file_is_a_request(stage: RulesStage, witness: Watching) -> None:
    first = witness.cosign(page(stage.repository), "audit.html")
    stage.dataset("clinic/more")
    assert witness.cosign(page(stage.repository), "audit.html").before == first.head.size


def test_the_same_head_is_cosigned_again(stage: RulesStage, witness: Watching) -> None:
    first = witness.cosign(request(stage.repository, 0))
    assert witness.cosign(request(stage.repository, 0)).head == first.head


def test_a_shorter_log_is_refused(stage: RulesStage, witness: Watching) -> None:
    early = request(stage.repository, 0), page(stage.repository)
    stage.dataset("clinic/more")
    witness.cosign(request(stage.repository, 0))
    for data, name in zip(early, ("request.txt", "audit.html"), strict=True):
        with refused("witness-rollback"):
            witness.cosign(data, name)


def test_another_history_is_refused(stage: RulesStage, witness: Watching, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    twin.mkdir()
    other = RulesStage(twin)  # the same keys and clock, and so the same beginning
    other.dataset("clinic/others")
    other.dataset("clinic/more")
    done = witness.cosign(request(stage.repository, 0))
    watching = Watching(tmp_path / "both", stage.repository, other.repository)
    with refused("witness-fork"):
        witness.cosign(request(other.repository, done.head.size), trust=watching.trust)
    with refused("witness-fork"):
        witness.cosign(page(other.repository), "audit.html", trust=watching.trust)


def test_a_request_from_elsewhere_is_stale(stage: RulesStage, witness: Watching) -> None:
    with refused("stale-request"):
        witness.cosign(request(stage.repository, 2))
    witness.cosign(request(stage.repository, 0))
    stage.dataset("clinic/more")
    with refused("stale-request"):
        witness.cosign(request(stage.repository, 1))


def test_an_unknown_log_is_refused(stage: RulesStage, witness: Watching) -> None:
    with refused("unknown-log-key"):
        witness.cosign(request(stage.repository, 0), trust=Trust())


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data.replace(b"old 0", b"old x"),
        lambda data: data.replace(b"old 0\n", b""),
        lambda data: b"old 0\n" + b"AAAA\n" * 70 + data[6:],
        lambda data: data + b" " * 200_000,
        lambda data: b"",
    ],
)
def test_what_is_no_request_is_refused(stage: RulesStage, witness: Watching, edit) -> None:
    with refused("bad-note"):
        witness.cosign(edit(request(stage.repository, 0)))


def test_the_owner_logs_no_cosignature_that_does_not_hold(
    stage: RulesStage, witness: Watching
) -> None:
    done = witness.cosign(request(stage.repository, 0))
    context = owner(stage, done.key)
    forged = Cosignature(WITNESS.did, done.cosignature.key_id, 1, done.cosignature.signature)
    bare = stage.repository.checkpoint.note
    with refused("bad-log-signature"):
        add_time(context, bare + forged.line.encode())
    with refused("bad-note"):
        add_time(context, bare)
    stranger = cosign(done.head, "stranger", signer_for("stranger"), done.cosignature.time)
    with refused("unknown-outsider"):
        add_time(context, bare + stranger.line.encode())


def test_a_cosignature_is_that_of_c2sp() -> None:
    # The example of c2sp.org/tlog-cosignature has this form: a header, the time, the checkpoint.
    from lyrikstore.history.log.checkpoint import LogCheckpoint

    head = LogCheckpoint("example.com/log", 1, bytes(32))
    at = FrozenClock()()
    line = cosign(head, "witness.example", WITNESS, at)
    signed = f"cosignature/v1\ntime {int(at.timestamp())}\n{head.text}".encode()
    assert WITNESS.public.verify(line.signature, signed)
    assert line.holds(head, WITNESS.public)
    assert Cosignature.parse(line.name, line.payload) == line
