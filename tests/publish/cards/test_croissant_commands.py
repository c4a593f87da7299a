"""Croissant as commands write it: for what it is made, and which terms it offers."""

import json
from typing import Any

import pytest
from huggingface_hub import DatasetCard

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.publish.cards.rendering.renderings import ROLES_OF
from tests.conftest import Person
from tests.publish.cards.making import make


def test_without_a_stated_licence_the_front_matter_has_none(chain: Any) -> None:
    raw = chain.made["raw"]
    body = {name: value for name, value in raw.body.items() if name != "licence"}
    chain.log(
        "bare", kind="dataset", name="datasets/acme/bare", body=body, tree=raw.tree,
        files=raw.files,
    )  # fmt: skip
    front = DatasetCard(make(chain, "bare").renderings["markdown"].decode()).data.to_dict()
    assert front.keys() == {"pretty_name", "tags"}


def test_a_rendering_that_its_kind_does_not_have(chain: Any) -> None:
    for nickname, kind in (("raw", "dataset"), ("checkpoint", "checkpoint")):
        for role in {"cyclonedx", "chai", "croissant"} - {*ROLES_OF[kind]}:
            size = len(list(chain.repository.all_manifests()))
            with pytest.raises(InvalidInputError) as caught:
                make(chain, nickname, rendering=role)
            assert caught.value.kind == "no-rendering"
            assert len(list(chain.repository.all_manifests())) == size
    assert not make(chain, "raw").manifest.attachments_in("cyclonedx")
    assert {*ROLES_OF["dataset"]} - {"pdf"} <= {*make(chain, "raw").renderings}


def test_on_the_command_line(publisher: Person) -> None:
    data = publisher.folder / "data"
    data.mkdir()
    (data / "a.txt").write_text("one\n")
    publisher.ok("commit", "data", "-d", "acme/contracts")
    for name in ("one", "other"):
        done = publisher.ok("card", "acme/contracts", "-o", f"{name}.croissant.json", "--json")
        assert done.json["written"] == [f"{name}.croissant.json"]
    one, other = (publisher.folder / f"{name}.croissant.json" for name in ("one", "other"))
    written = one.read_bytes()
    assert written == other.read_bytes()
    publisher.ok("verify", one)
    at = len(written) // 2
    one.write_bytes(written[:at] + bytes([written[at] ^ 1]) + written[at + 1 :])
    publisher.fails(3, "verify", one)
    before = publisher.ok("log", "--json").json
    (publisher.folder / "said.toml").write_text('liability = "none"\n[answers]\ncontact = "Ada"\n')
    for ending in ("cdx.json", "chai.xml"):
        refused = publisher.run(
            "card", "acme/contracts", "-o", f"x.{ending}", "--answers", "said.toml", "--json"
        )
        assert (refused.code, refused.kind) == (16, "no-rendering")
        assert not (publisher.folder / f"x.{ending}").exists()
    assert publisher.ok("log", "--json").json == before


def test_revoked_terms_are_no_offer(publisher: Person) -> None:
    data = publisher.folder / "data"
    data.mkdir()
    (data / "a.txt").write_text("one\n")
    publisher.ok("commit", "data", "-d", "acme/contracts")
    publisher.ok("issue", "acme/contracts", "-o", "delivery", "--permit", "train",
                 "--status-url", "https://acme.example/status")  # fmt: skip
    file = publisher.folder / "x.croissant.json"
    publisher.ok("card", "acme/contracts", "-o", file)
    assert json.loads(file.read_text())["usageInfo"][0]["odrl:permission"]
    publisher.ok("credential", "revoke", "delivery", "-o", "public")
    report = publisher.run("verify", file, "--json").json
    assert {one["id"]: one["state"] for one in report["checks"]}["card.current"] == "warn"
    publisher.ok("card", "acme/contracts", "-o", file)
    found = json.loads(file.read_text())
    assert "usageInfo" not in found
    statements = found["lyrik:card"]["lyrik:statement"]
    assert [one for one in statements if one["value"].startswith("revoked, by log entry")]
