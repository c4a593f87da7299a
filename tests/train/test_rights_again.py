"""Rights that another process revokes between the question and the log (spec §8.6)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.api import ExternalRun, KeyFolder, Store
from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.progress import Progress
from lyrikstore.deploy import seal as deploy_seal
from lyrikstore.train.config import TrainConfig
from tests.cli.small_runs import configure, entries, leftovers, parts, supply
from tests.conftest import Person

pytestmark = pytest.mark.train
REQUEST = ExternalRun(("acme/rows.train",), "acme/own")


@pytest.fixture
def trainer(publisher: Person, once: Callable[..., None]) -> Person:
    """Return somebody who may train on rows, for now."""
    once(publisher, lambda person: supply(person, "rows", parts()))
    return publisher


def opened(person: Person, progress: Callable[[Progress], None] = lambda _: None) -> Store:
    """Return the store of somebody, in this process."""
    config = person.home / ".config" / "lyrikstore"
    keys = KeyFolder(config / "keys")
    return Store.open(
        person.folder,
        memory_dir=person.home / ".local" / "state" / "lyrikstore" / "logs",
        trust_file=config / "trust.toml",
        keys=keys,
        signer=keys.signer(),
        environment=person.variables(),
        progress=progress,
    )


def credential(person: Person) -> str:
    """Return the id of the credential by which somebody may train."""
    listed = person.ok("log", "--audit", "--json").json["entries"]
    return next(one["id"] for one in listed if one["type"] == "credential")


def revoke(person: Person) -> None:
    person.ok("credential", "revoke", credential(person))


def replace(person: Person) -> None:
    """Revoke the right that a run would name, and give another one."""
    revoke(person)
    person.ok("permit", "acme/rows.train", "--permit", "train")


def move(person: Person) -> None:
    """Revoke the right, and commit another version under the name, which has one."""
    revoke(person)
    (person.folder / "rows-train" / "more.jsonl").write_text(
        json.dumps({"id": "more", "text": "gamma", "label": "a"}) + "\n"
    )
    folder = person.folder / "rows-train"
    person.ok("commit", folder, "-d", "acme/rows.train", "--text", "text", "--label", "label")
    person.ok("permit", "acme/rows.train", "--permit", "train,evaluate")


def train(store: Store, person: Person) -> Any:
    config = person.folder / configure(person, "rows")
    return store.models.train(TrainConfig.parse(config.read_bytes()))


def train_here(store: Store, _: Person) -> None:
    with store.models.training(REQUEST):
        pytest.fail("a run was begun")


def run_command(store: Store, person: Person) -> Any:
    return store.models.train_with(REQUEST, ["true"], folder=person.folder, unconfined=True)


def export(store: Store, person: Person) -> Any:
    return store.models.export_job(
        REQUEST, ["true"], person.folder / "job", region="aws/eu-central-1", folder=person.folder
    )


@pytest.mark.parametrize(
    ("verb", "change"),
    [
        (train, revoke),
        (train, replace),
        (train, move),
        (train_here, move),
        (run_command, revoke),
        (export, revoke),
    ],
)
def test_no_run_is_announced_by_a_right_that_was_revoked_meanwhile(
    trainer: Person, verb: Callable[..., Any], change: Callable[[Person], None]
) -> None:
    """ATTACK A126: another process revokes after the rights were asked for."""
    logged: list[str] = []

    def meanwhile(at: Progress) -> None:
        if at.phase == "register":
            change(trainer)
            logged.extend(entries(trainer))

    with pytest.raises(PolicyError) as caught:
        verb(opened(trainer, meanwhile), trainer)
    assert caught.value.kind == "rights-missing"
    assert logged
    assert entries(trainer) == logged
    assert not leftovers(trainer)


def test_no_job_is_collected_by_a_right_that_was_revoked_meanwhile(trainer: Person) -> None:
    """ATTACK A126: another process revokes while what came back is sealed."""
    export(opened(trainer), trainer)
    output = trainer.folder / "job" / "output"
    output.mkdir()
    (output / "notes.txt").write_text("a model")

    def meanwhile(at: Progress) -> None:
        if at.phase == "seal":
            revoke(trainer)

    with pytest.raises(PolicyError) as caught:
        opened(trainer, meanwhile).models.collect_job(trainer.folder / "job")
    assert caught.value.kind == "rights-missing"
    assert "checkpoints/acme/own" not in entries(trainer)


def test_nothing_is_deployed_by_a_right_that_was_revoked_meanwhile(
    trainer: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ATTACK A126: another process revokes while the folder is built."""
    trainer.ok("train", configure(trainer, "rows"))
    sign, logged = deploy_seal.sign_manifest, list[str]()

    def slow(**members: Any) -> Any:
        revoke(trainer)
        logged.extend(entries(trainer))
        return sign(**members)

    monkeypatch.setattr(deploy_seal, "sign_manifest", slow)
    place = tmp_path / "deployed"
    with pytest.raises(PolicyError) as caught:
        opened(trainer).models.deploy("checkpoints/acme/rows", "onnx", place)
    assert caught.value.kind == "rights-missing"
    assert logged
    assert entries(trainer) == logged
    assert not place.exists()
