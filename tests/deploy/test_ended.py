"""A model whose rights have ended: it is not deployed, and what was deployed does not start."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.deploy.deploy import Deployment, deploy_checkpoint
from lyrikstore.deploy.rebuild import deploy_again
from lyrikstore.history.repository.repository import Repository
from tests.contexts import context_of
from tests.deploy.conftest import CONFIG, Shop

pytestmark = pytest.mark.train
DAY = timedelta(days=1)
TERMS = ("--permit", "train,evaluate", "--require", "deleteOnExpiry")


@pytest.fixture(scope="module")
def borrowed(shop: Shop) -> str:
    """Return a checkpoint that learned from data whose terms end in nine days."""
    person = shop.person
    sheet = ("--metadata", "sheet.csv")
    person.ok("commit", "texts", "-d", "acme/borrowed", *sheet, "-m", "the same, for a while")
    person.ok("filter", "acme/borrowed", "--recipe", "split.toml", "--as", "acme/while")
    person.ok("permit", "acme/borrowed", *TERMS, "--valid-for", "9d")
    settings = {"task": "", "label": "page", "base": "linear", "model": "", "epochs": 1}
    config = CONFIG.format(name="borrowed", data="while", **settings)
    (person.folder / "borrowed.toml").write_text(config)
    person.ok("train", "borrowed.toml")
    return "checkpoints/acme/borrowed"


def deployed(shop: Shop, name: str, folder: Path, at: datetime) -> Deployment:
    context = context_of(
        Repository.open(shop.person.folder / ".lyrikstore"),
        trust=Trust((TrustedIssuer(did=shop.person.did(), nickname="acme"),)),
        clock=lambda: at,
        cache_dir=folder.parent / "work",
    )
    return deploy_checkpoint(context, name, "onnx", folder, sign=False)


def test_what_has_ended_is_neither_deployed_nor_started(
    shop: Shop, borrowed: str, tmp_path: Path
) -> None:
    """ATTACK A117: a model goes on to be deployed and served without a right to its data."""
    person, folder = shop.person, tmp_path / "folder"
    made = person.ok("deploy", borrowed, "--to", "onnx", "-o", folder, "--json").json
    rights: dict[str, Any] = json.loads((folder / "lyrikstore" / "manifest.json").read_text())[
        "body"
    ]["rights"]
    end = parse_timestamp(rights["until"])
    assert (rights["state"], rights["deleteOnExpiry"]) == ("pass", True)
    assert f"Rights-Until: {rights['until']}" in (folder / "NOTICE").read_text().splitlines()
    found = [
        person.run("verify", folder, "--at", format_timestamp(at), "--json")
        for at in (end, end + DAY)
    ]
    assert [one.check("deployment.rights")["detail"].get("reason") for one in found] == [
        None,
        "ended-later",
    ]
    assert [one.code for one in found][1] == 4
    held = person.run("verify", borrowed, "--at", format_timestamp(end + DAY), "--json")
    assert (held.code, held.check("rights")["detail"]["reason"]) == (4, "ended-later")
    repo = Repository.open(person.folder / ".lyrikstore")

    def again(to: Path) -> Deployment:
        context = context_of(repo, clock=lambda: end + DAY)
        return deploy_again(context, made["deployment"], to)

    for write in (again, lambda to: deployed(shop, borrowed, to, end + DAY)):
        with pytest.raises(PolicyError) as caught:
            write(tmp_path / "out")
        assert caught.value.kind == "rights-missing"
        assert not (tmp_path / "out").exists()
    # Renewed, it is deployed again; the old folder stays what it was.
    person.ok("permit", "acme/borrowed", *TERMS, "--valid-for", "99d")
    renewed = deployed(shop, borrowed, tmp_path / "renewed", end + DAY)
    assert str(renewed.rights.state) == "pass", renewed.rights
    until = str(renewed.rights.detail["until"])
    assert parse_timestamp(until) > end + 80 * DAY
    assert f"Rights-Until: {until}" in (tmp_path / "renewed" / "NOTICE").read_text()
    (renewal,) = renewed.rights.detail["renewedBy"]
    short = renewal.removeprefix("blake3:")[:12]
    assert (tmp_path / "renewed" / "lyrikstore" / f"credential-{short}.json").is_file()
    with pytest.raises(PolicyError) as caught:
        again(tmp_path / "out")
    assert caught.value.kind == "rights-missing"
