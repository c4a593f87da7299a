"""Verifying a card on the command line: with the store, without it, and a damaged one."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.history.commit.appender import Appender
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.publish.cards.offline_card import evidence_of, sibling_card, verify_card_alone
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.checks import PROCEDURES
from lyrikstore.verify.deployment.card_evidence import parse_evidence
from lyrikstore.verify.report import CheckState, Report, Verdict
from tests.conftest import Person
from tests.publish.cards.making import make, reason

ANSWERS = """
liability = "none"
[answers]
risks = "none"
"""


@pytest.fixture
def handed(publisher: Person, tmp_path: Path) -> tuple[Person, Path]:
    """Somebody with a store, and a card of the model in it."""
    model = publisher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (model / "tokenizer.json").write_text('{"model":{}}')
    publisher.ok("commit", model, "-d", "checkpoints/acme/tiny")
    publisher.ok("card", "checkpoints/acme/tiny", "-o", "MODEL_CARD.md")
    publisher.ok("card", "checkpoints/acme/tiny", "-o", "MODEL_CARD.html")
    publisher.ok("card", "checkpoints/acme/tiny", "-o", "MODEL_CARD.json")
    return publisher, publisher.folder / "MODEL_CARD.md"


@pytest.mark.parametrize("ending", ["md", "html", "json"])
def test_on_the_command_line(handed: tuple[Person, Path], new_person: Any, ending: str) -> None:
    publisher, folder = handed[0], handed[1].parent
    card = folder / f"MODEL_CARD.{ending}"
    report = publisher.ok("verify", card, "--json").json
    assert report["verdict"] == "trusted"
    publisher.ok("verify", card, "--report", "report.html")
    if ending == "json":  # asked about by name, and in its store
        named = publisher.ok("verify", "cards/acme/tiny", "--json").json
        assert named["checks"] == report["checks"]
        whole = publisher.ok("verify", "--json")
        assert whole.check("card.sources")["state"] == "pass"

    # A regulator: the file in one place, a copy of the store in another, nobody trusted yet.
    regulator = new_person("regulator")
    mine = regulator.folder / f"card.{ending}"
    shutil.copy(card, mine)
    lonely = regulator.fails(10, "verify", mine)
    assert "names store blake3:" in lonely.err
    assert "--store" in lonely.err
    shutil.copytree(publisher.folder / ".lyrikstore", regulator.folder / "theirs" / ".lyrikstore")
    assert regulator.fails(4, "verify", mine, "--store", "theirs", "--json").json["checks"]
    data = mine.read_bytes()
    mine.write_bytes(data.replace(b"version 1 of its name", b"version 2 of its name"))
    assert mine.read_bytes() != data
    edited = regulator.fails(3, "verify", mine, "--store", "theirs")
    assert ("differs: line" in edited.out) is (ending != "json")
    assert ("differs: the statement" in edited.out) is (ending == "json")
    assert edited.out.splitlines()[-1].startswith("INVALID")
    refused = 16 if ending == "json" else 2
    regulator.fails(refused, "verify", mine, "--data", regulator.folder, "--store", "theirs")


def test_what_is_made_of_a_card_is_none(handed: tuple[Person, Path]) -> None:
    publisher, card = handed
    (publisher.folder / "page.html").write_text(f"<p>{card.read_text()}</p>")
    publisher.fails(3, "verify", "page.html")
    raw = publisher.ok("show", "cards/acme/tiny", "--raw").out
    (publisher.folder / "manifest.json").write_bytes(raw.encode())
    publisher.ok("verify", "manifest.json")


def test_a_manifest_alone_is_signed_and_nothing_shows_by_whose_leave(
    handed: tuple[Person, Path], new_person: Any
) -> None:
    raw = handed[0].ok("show", "cards/acme/tiny", "--raw").out
    regulator = new_person("regulator")
    (regulator.folder / "card.json").write_bytes(raw.encode())
    assert "no log proof" in regulator.fails(5, "verify", "card.json").out


def test_answers_stay_on_the_command_line(handed: tuple[Person, Path]) -> None:
    publisher, _ = handed
    file = publisher.folder / "answers.toml"
    file.write_text(ANSWERS)
    card = ("card", "checkpoints/acme/tiny", "--json")
    given = publisher.ok(*card, "--answers", file).json
    assert (given["states"]["attested"], len(given["answeredBy"])) == (1, 1)
    for again in (publisher.ok(*card).json, publisher.ok(*card, "--answers", file).json):
        assert (again["id"], again["changed"]) == (given["id"], False)
        assert again["markdown"] == given["markdown"]
    publisher.ok("card", "checkpoints/acme/tiny", "-o", "MODEL_CARD.md")
    publisher.ok("verify", "MODEL_CARD.md")
    # Of the next version they are there, and stale: they were about this one.
    (publisher.folder / "model" / "config.json").write_text('{"a": 1}')
    publisher.ok("commit", "model", "-d", "checkpoints/acme/tiny")
    later = publisher.ok(*card).json
    assert (later["states"]["stale"], later["answeredBy"]) == (1, given["answeredBy"])


def test_a_damaged_store_is_never_a_success(handed: tuple[Person, Path]) -> None:
    publisher, card = handed
    packs = sorted((publisher.folder / ".lyrikstore").rglob("*.pack"))
    assert len(packs) > 2
    judged = 0
    for pack in packs:
        whole = pack.read_bytes()
        pack.chmod(0o600)
        pack.write_bytes(whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]))
        done = publisher.run("verify", card, "--json")
        assert done.code in {0, 3, 5}, pack  # the model does not rest on every pack
        judged += bool(done.out) and done.code != 0
        pack.write_bytes(whole)
    assert judged  # the damage of what need not be read to open the store is in a report
    publisher.ok("verify", card)


def test_without_the_store_the_evidence_beside_it_shows_who_signed_it(
    handed: tuple[Person, Path], new_person: Any
) -> None:
    publisher, _ = handed
    publisher.ok("card", "checkpoints/acme/tiny", "-o", "MODEL_CARD.md", "--evidence")
    assert publisher.fails(2, "card", "checkpoints/acme/tiny", "--evidence").err
    regulator = new_person("regulator")
    for one in publisher.folder.glob("MODEL_CARD*"):
        shutil.copy(one, regulator.folder)
    evidence = regulator.folder / "MODEL_CARD.evidence.json"
    assert regulator.fails(4, "verify", evidence).code == 4
    # As it was written before, and found likewise: a file for each.
    for name, data in parse_evidence(evidence.read_bytes()).items():
        if name != "card.json":
            (regulator.folder / f"MODEL_CARD-{name}").write_bytes(data)
    evidence.unlink()
    report = regulator.fails(4, "verify", "MODEL_CARD.md", "--json").json
    assert tuple(check["id"] for check in report["checks"]) == PROCEDURES["card-alone"].checks
    assert any("store was not looked at" in line for line in report["notProven"])
    did = publisher.did()
    assert report["issuer"] == did
    regulator.ok("trust", "add", did, "--name", "Acme")
    regulator.ok("verify", "MODEL_CARD.md")
    regulator.ok("verify", "MODEL_CARD-manifest.json")
    # A store of one's own that happens to be near is not asked about somebody else's card.
    regulator.ok("key", "new", "--no-passphrase")
    regulator.ok("init")
    assert regulator.ok("verify", "MODEL_CARD.md", "--json").json["checks"] != []
    assert regulator.fails(5, "verify", "MODEL_CARD.md", "--store", ".").code == 5

    for ending in ("md", "html", "json"):
        text = regulator.folder / f"MODEL_CARD.{ending}"
        good = text.read_bytes()
        regulator.ok("verify", text)
        text.write_bytes(good.replace(b"version 1 of", b"version 2 of"))
        assert "contents differ" in regulator.fails(3, "verify", text).out
        text.write_bytes(good)
    for name, code in (("log.tlog-proof", 5), ("genesis.json", 5), ("manifest.json", 5)):
        path = regulator.folder / f"MODEL_CARD-{name}"
        content = path.read_bytes()
        path.unlink()
        assert regulator.run("verify", "MODEL_CARD.md").code == code, name
        # One changed byte is no success either, wherever it is.
        path.write_bytes(content[:-40] + bytes([content[-40] ^ 1]) + content[-39:])
        assert regulator.run("verify", "MODEL_CARD.md").code in {3, 5}, name
        path.write_bytes(content)
    regulator.ok("verify", "MODEL_CARD.md")


def test_a_card_that_the_policy_lets_nobody_sign_has_no_evidence(chain: Any) -> None:
    card = make(chain)
    repository = chain.repository
    files = evidence_of(repository, card.manifest)
    assert files is not None
    trust = Trust((TrustedIssuer(did=chain.signer.did, nickname="owner"),))

    def alone(text: bytes, beside: dict[str, bytes]) -> Report:
        found = sibling_card(text, beside)
        assert found is not None
        return verify_card_alone(text, found, beside, trust=trust, at=chain.clock())

    assert alone(card.renderings["html"], files).verdict is Verdict.TRUSTED
    # A policy of the owner's without its log proof: it may say that the key was stolen.
    founder = repository.manifest(repository.store_id)
    following = {**founder.body["policy"], "version": 2}
    unproven = sign_manifest(
        kind="policy",
        store=repository.store_id,
        name=founder.name,
        body={"policy": following},
        signer=chain.signer,
        created=chain.clock(),
        parents=[founder.id],
    )
    report = alone(card.renderings["html"], {**files, "policy-2.json": unproven.encode()})
    assert report.verdict is Verdict.INCOMPLETE
    assert reason(report, "manifest.signature") == "unproven-policy"
    # Signed, of this store, but logged by nobody: the proof of another manifest is none of it.
    forged = sign_manifest(
        kind="card",
        store=repository.store_id,
        name=card.manifest.name,
        body=card.manifest.body,
        signer=signer_for("mallory"),
        created=chain.clock(),
        inputs=card.manifest.inputs,
        attachments=card.manifest.attachments,
    )
    report = alone(card.renderings["html"], {**files, "manifest.json": forged.encode()})
    assert report.verdict is Verdict.INCOMPLETE
    assert report.check("log.inclusion").state is CheckState.UNCHECKED
    # Logged, by whom the policy does not allow.
    with (
        pytest.MonkeyPatch.context() as patched,
        open_transaction(chain.repository) as tx,
    ):
        patched.setattr(Appender, "_check_refs", lambda *_: None)
        tx.log_manifest(forged)
        tx.commit()
    beside = evidence_of(chain.repository, forged)
    assert beside is not None
    report = alone(card.renderings["html"], beside)
    assert report.verdict is Verdict.INVALID
    assert report.check("manifest.signature").detail["reason"] == "unauthorised"
    # Of both, the one with these bytes is meant; of none, what lies there differs.
    assert reason(alone(b"# another", files), "card") == "edited"
    assert sibling_card(b"# another", {"a": b"{}", "b": files["genesis.json"]}) is None
    # A genesis of another store is not this store's.
    other = {**files, "genesis.json": files["manifest.json"]}
    assert (
        alone(card.renderings["html"], other).check("store.genesis").state is CheckState.UNCHECKED
    )
