"""Sound stores and objects verify; less than all that is checked is incomplete."""

from hashlib import sha256
from pathlib import Path

import pytest

from lyrikstore.canon.progress import Progress
from lyrikstore.canon.schemas import check_schema
from lyrikstore.credentials.trust import Trust
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.verify.checks import PROCEDURES
from lyrikstore.verify.store.readers import Readers
from lyrikstore.verify.store.store import verify_store
from tests.contexts import context_of
from tests.verify.store.lineage import Lineage, problems, states


def test_sound_store(sound: Lineage, tmp_path: Path) -> None:
    seen: list[Progress] = []
    report = sound.store(memory=LogMemory(tmp_path / "memory"), progress=seen.append)
    assert report.verdict == "trusted", [c for c in report.checks if c.state != "pass"]
    assert tuple(states(report)) == PROCEDURES["store"].checks
    assert set(states(report).values()) == {"pass", "n/a"}
    assert states(report)["log.witness"] == "n/a"
    assert report.subject == str(sound.repository.store_id)
    assert [step.bytes for step in seen] == sorted(step.bytes for step in seen)
    assert seen[-1].bytes > 0
    check_schema(report.to_json(), "report")


@pytest.mark.parametrize(("share", "unmade"), [(0, {"manifests", "checkpoints"}), (0.3, set())])
def test_checking_less_is_incomplete_and_finds_what_it_looks_at(
    copied: Lineage, share: float, unmade: set[str]
) -> None:
    report = copied.store(share=share)
    assert report.verdict == "incomplete"
    unmade = {*unmade, "blobs", "datasets", "records"}
    assert {check.id for check in report.checks if check.state == "unchecked"} == unmade
    assert report.check("blobs").detail["reason"] == ("sampled" if share else "not-read")
    check_schema(report.to_json(), "report")
    pack = copied.repository.live.packs[-1]
    (copied.root / pack.name).unlink()
    report = copied.store(share=share)
    assert report.verdict == "invalid"
    assert "is missing" in problems(report, "blobs")


def test_founder_nobody_knows(sound: Lineage) -> None:
    report = sound.store(trust=Trust())
    assert report.verdict == "valid"
    assert report.check("store.genesis").detail["reason"] == "unknown-founder"


def test_sound_object(sound: Lineage) -> None:
    report = sound.object("model")
    assert report.verdict == "trusted", [c for c in report.checks if c.state != "pass"]
    assert tuple(states(report)) == PROCEDURES["object"].checks
    assert report.check("manifests").detail["manifests"] == 4
    assert report.check("rights").detail["rights"] == 1
    assert any("Apache-2.0" in text for text in report.not_proven)
    assert any("replayed" in text for text in report.not_proven)
    check_schema(report.to_json(), "report")


@pytest.mark.parametrize(
    ("sums", "said"),
    [
        (f"{'0' * 64}  model.safetensors\n", "of 'model.safetensors'"),
        ("", "of 'model.safetensors'"),
        ("{0}  other.safetensors\n", "of 'model.safetensors'"),
        (f"{{0}}  model.safetensors\n{'0' * 64}  more.safetensors\n", "name more"),
        ("\x80{0}  model.safetensors\n", "of 'model.safetensors'"),
    ],
)
def test_a_checkpoint_has_the_sha_256_that_it_says(fresh: Lineage, sums: str, said: str) -> None:
    # ATTACK A20: whoever checks by SHA-256, as most tools do, takes other weights for the signed.
    name = "checkpoints/acme/other"
    right = sha256(f"weights of {name}".encode()).hexdigest()
    body = {"origin": "imported", "rights": {"asserted": "Apache-2.0"}}
    text = sums.format(right).encode("latin-1")
    fresh.ids["other"] = fresh.checkpoint(name, body, sums=text).id
    check = fresh.object("other").check("manifests")
    assert check.state == "fail"
    assert said in check.summary


def test_dataset_has_no_runs(sound: Lineage) -> None:
    report = sound.object("dataset")
    assert report.verdict == "trusted"
    assert states(report)["runs"] == states(report)["rights"] == "n/a"


def test_rights_by_nobody_known(sound: Lineage) -> None:
    report = sound.object("model", trust=Trust())
    assert report.verdict == "valid"
    assert states(report)["rights"] == "warn"


def test_verify_store_on_an_open_one(sound: Lineage) -> None:
    report = verify_store(
        context_of(
            sound.repository,
            trust=sound.world.trusting(sound.world.OWNER.did),
            clock=lambda: sound.world.NOW,
        ),
        readers=Readers(datasets=StoredDatasets()),
    )
    assert report.verdict == "trusted"
