"""Runs of generative models, done again: whole and by drawn segments (spec §13.12, §13.14)."""

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.timestamps import now
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, sign_manifest
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.reproduction.replay import replay_segments
from lyrikstore.train.reproduction.reproduce import reproduce_run
from lyrikstore.train.run import train_run
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.statements.segments import SegmentList, SegmentState, read_segments
from tests.contexts import context_of
from tests.writers import CONFIG, write_model, write_rows

pytestmark = pytest.mark.train
OWNER = signer_for("train owner")
NONCE = bytes(32)
REPLAY = "[replay]\nsteps = 2\nkeep = true\n"


class Writers:
    """A run of a small generative model, and claims that others gave what it gave."""

    def __init__(self, workshop: Any, folder: Any) -> None:
        self.workshop, self.repo, self.count = workshop, workshop.repo, 0
        model = write_model(folder / "small")
        files = [(path.name, path.read_bytes(), {}) for path in sorted(model.iterdir())]
        workshop.put(
            *("checkpoint", "checkpoints/acme/small-writer", files),
            origin="imported",
            format="transformers/1",
        )
        for part, file in write_rows(folder / "rows").items():
            data = file.read_bytes()
            made = workshop.put(
                *("dataset", f"datasets/acme/asked.{part}", [("rows.jsonl", data, {})]),
                reader="jsonl/1",
                records=12,
                bytes=len(data),
                fileCount=1,
                origin="committed",
                descriptor={},
            )
            workshop.permit(made, "train", "evaluate")
        config = CONFIG.replace("acme/tiny", "acme/small-writer").replace("acme/talk", "acme/asked")
        config = config.replace("acme/writer", "acme/done-again").replace(
            "rank = 4", "rank = 4\ndropout = 0.2"
        )
        self.made = train_run(workshop.context(), TrainConfig.parse((config + REPLAY).encode()))

    def claim(self, *, run: Any = None, point: bytes = b"", segments: bytes = b"") -> Any:
        """Log another run, and that it gave this model; return the checkpoint."""
        self.count += 1
        name, old = f"acme/writer-claim{self.count}", self.made
        said = {**old.run.body, **(run or {}), "plannedOutputs": [f"checkpoints/{name}"]}
        said["config"] = {**said["config"], "name": f"checkpoints/{name}"}
        with open_transaction(self.repo) as tx:
            announced = sign_manifest(
                kind="run",
                store=self.repo.store_id,
                name=f"runs/{name}",
                inputs=old.run.inputs,
                body=said,
                signer=OWNER,
                created=now(),
            )
            tx.log_manifest(announced)
            tx.commit()
        attached = [one for one in old.checkpoint.attachments if one.role != "sha256sums"]
        with open_transaction(self.repo) as tx:
            if point:  # in place of the second one
                at = [one.role for one in attached].index("point") + 1
                attached[at] = Attachment("point", tx.writer.put_data(point), len(point))
            if segments:
                at = [one.role for one in attached].index("segments")
                attached[at] = Attachment("segments", tx.writer.put_bytes(segments), len(segments))
            manifest = sign_manifest(
                kind="checkpoint",
                store=self.repo.store_id,
                name=f"checkpoints/{name}",
                inputs=[
                    Input("run", "run", announced.id),
                    *(one for one in old.checkpoint.inputs if one.role != "run"),
                ],
                tree=old.checkpoint.tree,
                files=old.checkpoint.files,
                body=old.checkpoint.body,
                attachments=attached,
                signer=OWNER,
                created=now(),
            )
            tx.log_manifest(manifest)
            tx.commit()
        return manifest

    def again(self, ref: str) -> Any:
        found = reproduce_run(self.workshop.context(), ref)
        assert self.workshop.leftovers == []
        return found.manifest

    def replayed(self, ref: str, wanted: int = 99) -> Any:
        found = replay_segments(self.workshop.context(), ref, wanted, nonce=NONCE)
        assert self.workshop.leftovers == []
        return found.manifest

    def holds(self, manifest: Any) -> bool:
        report = verify_object(
            context_of(self.repo, trust=self.workshop.trust, clock=now), manifest.id
        )
        return bool(report.check("runs").state == "pass")


@pytest.fixture(scope="module")
def writers(workshop, tmp_path_factory) -> Writers:
    return Writers(workshop, tmp_path_factory.mktemp("writers"))


def test_an_honest_run_comes_again(writers) -> None:
    limits = writers.made.run.body["tolerances"]["differences"]
    assert limits == {"validationLoss": "0.005"}
    found = writers.again(writers.made.run.name)
    assert (found.body["verdict"], found.body["compared"][0].keys()) == (
        "match",
        {"checkpoint", "tree"},
    )
    assert writers.holds(found)


def test_segments_of_an_honest_run_come_again(writers) -> None:
    found = writers.replayed(writers.made.checkpoint.name)
    replay = found.body["segments"]
    assert found.body["verdict"] == "match", found.body
    assert replay["drawn"] == list(range(replay["count"]))
    assert replay["missChance"] == "0.0000"
    assert writers.holds(found)


def test_a_weight_of_a_point_that_was_changed_is_a_mismatch(writers) -> None:
    second = writers.made.checkpoint.attachments_in("point")[1]
    point = load(writers.repo.blobs.read(second.id, max_bytes=1 << 24))
    name = min(one for one in point if one.startswith("weights."))
    point[name].reshape(-1)[0] += np.float32(1e-3)
    found = writers.replayed(writers.claim(point=save(point)).name)
    (differing,) = [
        one for one in found.body["segments"]["replayed"] if one["expected"] != one["found"]
    ]
    assert (found.body["verdict"], differing["number"]) == ("mismatch", 2)


def torn(point: Any) -> bytes:
    """Return a file that no state of training is."""
    return save(point)[:-7]


def without_a_weight(point: Any) -> bytes:
    del point[min(one for one in point if one.startswith("weights."))]
    return save(point)


def of_another_shape(point: Any) -> bytes:
    name = min(one for one in point if one.endswith(".exp_avg"))
    point[name] = point[name].reshape(-1)
    return save(point)


def without_numbers(point: Any) -> bytes:
    point[min(one for one in point if one.startswith("weights."))][:] = np.nan
    return save(point)


def before_its_time(point: Any) -> bytes:
    """Return a state of which AdamW takes the root of less than nothing."""
    for name in point:
        if name.endswith(".step"):
            point[name] = np.asarray(-2.0, np.float32)
    return save(point)


def of_no_generator(point: Any) -> bytes:
    point["random"][:] = 255
    return save(point)


def of_no_type(_: Any) -> bytes:
    header = b'{"one":{"dtype":"F8_E8M0","shape":[8],"data_offsets":[0,8]}}'
    return len(header).to_bytes(8, "little") + header + bytes(8)


def beyond_counting(_: Any) -> bytes:
    header = b'{"one":{"dtype":"F32","shape":[0,1152921504606846976],"data_offsets":[0,0]}}'
    return len(header).to_bytes(8, "little") + header


def too_large(_: Any) -> bytes:
    return bytes(1 << 25)


LONGER = (
    *(torn, without_a_weight, of_another_shape, without_numbers, of_no_generator, too_large),
    beyond_counting,
)
SLOW = [pytest.param(one, marks=pytest.mark.ci) for one in LONGER]
GARBAGE = [before_its_time, of_no_type, *SLOW]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_that_was_signed_is_a_mismatch_and_no_failure(writers, garbage) -> None:
    from safetensors.torch import load as load_torch

    from lyrikstore.train.worker.training.resume_state import state_digest

    second = writers.made.checkpoint.attachments_in("point")[1]
    point = garbage(load(writers.repo.blobs.read(second.id, max_bytes=1 << 24)))
    (attached,) = writers.made.checkpoint.attachments_in("segments")
    signed = read_segments(writers.repo.blobs.read(attached.id, max_bytes=1 << 20))
    states = list(signed.states)
    if garbage in {torn, of_no_type, beyond_counting, too_large}:
        digest = Digest.of(point)
    else:
        digest = state_digest(states[2].position, load_torch(point))
    states[2] = SegmentState(states[2].position, digest.hex)
    segments = SegmentList(signed.candidate, signed.steps, tuple(states)).encode()
    found = writers.replayed(writers.claim(point=point, segments=segments).name)
    assert found.body["verdict"] == "mismatch", found.body
    assert writers.holds(found)


def test_positions_that_nobody_can_continue_from_are_warnings(writers) -> None:
    (attached,) = writers.made.checkpoint.attachments_in("segments")
    signed = read_segments(writers.repo.blobs.read(attached.id, max_bytes=1 << 20))
    states = list(signed.states)
    states[1] = SegmentState({**states[1].position, "loss": ""}, states[1].state)
    # Patience ends with the second epoch, and a segment of a third one is signed.
    over = {**states[-1].position, "bestEpoch": 0}
    states[-1] = SegmentState(over, states[-1].state)
    states.append(SegmentState({**over, "step": over["step"] + 1, "batch": 1}, "0" * 64))
    forged = SegmentList(signed.candidate, signed.steps, tuple(states))
    config = writers.made.run.body["config"]
    training = {**config["training"], "epochs": 3, "patience": 1, "keep": "best"}
    model = writers.claim(
        run={"config": {**config, "training": training}}, segments=forged.encode()
    )
    body = writers.replayed(model.name).body
    assert (body["verdict"], body["compared"][0]["differs"]) == ("mismatch", ["segments"])
    replayed = [one["number"] for one in body["segments"]["replayed"]]
    # The point of the last one is not its signed state any more, and that is said.
    assert replayed == [number for number in range(forged.count) if number != 1]


def test_a_config_that_leaves_out_what_is_usual_is_read_with_that(writers) -> None:
    config = {**writers.made.run.body["config"], "training": {"threads": 1}}
    found = writers.replayed(writers.claim(run={"config": config}).name, 1)
    assert found.body["verdict"] == "mismatch"


@pytest.mark.ci
def test_another_learning_rate_than_was_announced_is_a_mismatch(writers) -> None:
    config = writers.made.run.body["config"]
    training = {**config["training"], "learning_rate": "0.0003"}
    model = writers.claim(run={"config": {**config, "training": training}})
    replayed = writers.replayed(model.name)
    differing = [
        one for one in replayed.body["segments"]["replayed"] if one["expected"] != one["found"]
    ]
    assert replayed.body["verdict"] == "mismatch"
    assert len(differing) == len(replayed.body["segments"]["drawn"])
    found = writers.again(model.name)
    assert found.body["verdict"] == "mismatch"
    assert found.body["compared"][0]["weights"].keys() == {"absolute", "relative"}
    assert writers.holds(found)


def test_prompts_that_come_out_otherwise_are_a_mismatch_and_nothing_is_trained(writers) -> None:
    prompt = {**writers.made.run.body["prompt"], "rendered": "blake3:" + "0" * 64}
    model = writers.claim(run={"prompt": prompt})
    compared = [{"checkpoint": str(model.id), "differs": ["prompt"]}]
    for found in (writers.again(model.name), writers.replayed(model.name)):
        assert (found.body["verdict"], found.body["compared"]) == ("mismatch", compared)
        assert writers.holds(found)


def test_a_list_of_another_candidates_states_is_a_mismatch(writers) -> None:
    form = [{"format": "peft-lora/1"}]
    model = writers.claim(run={"candidates": form})
    found = writers.replayed(model.name)
    assert found.body["compared"] == [{"checkpoint": str(model.id), "differs": ["segments"]}]


def test_a_run_of_an_earlier_version_is_not_done_again(writers) -> None:
    misnamed = {"differences": {"validationValidationLoss": "0.005"}, "weightsAbsolute": "1"}
    order = {**writers.made.run.body["order"], "packing": "blake3-pack/2"}
    for change in ({"tolerances": misnamed}, {"order": order}):
        with pytest.raises(InvalidInputError) as caught:
            writers.again(writers.claim(run=change).name)
        assert caught.value.kind == "older-run"


def test_an_environment_with_a_gpu_that_nothing_was_computed_on_is_a_fault(writers) -> None:
    environment = writers.made.run.body["environment"]
    run = {"environment": {**environment, "accelerators": [{"name": "one that nobody has"}]}}
    assert not writers.holds(writers.claim(run=run))
    assert writers.holds(writers.claim())
