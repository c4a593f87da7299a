"""A card somebody was handed: the signed one, made from what it names, and still the newest."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.history.commit.appender import Appender
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, sign_manifest
from lyrikstore.publish.cards.answers import parse_responses
from lyrikstore.publish.cards.card import make_card
from lyrikstore.publish.cards.check import verify_card
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.offline import (
    evidence_of,
    sibling_card,
    verify_card_alone,
)
from lyrikstore.publish.cards.render import render_card
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.checks import PROCEDURES
from lyrikstore.verify.report import CheckState, Report, Verdict
from tests.conftest import Person

ANSWERS = b'expert = "Ada"\ndate = "2026-11-24"\n[answers]\nrisks = "none"\n'


def make(chain: Any, **changes: Any) -> Any:
    arguments = {"signer": chain.signer, "clock": chain.clock}
    return make_card(chain.repository, chain.made["checkpoint"], **{**arguments, **changes})


def judge(chain: Any, data: bytes) -> Report:
    trust = Trust((TrustedIssuer(did=chain.signer.did, nickname="owner"),))
    report = verify_card(chain.repository, data, trust=trust, at=chain.clock())
    assert tuple(check.id for check in report.checks) == PROCEDURES["card"].checks
    return report


def reason(report: Report, check: str) -> Any:
    return report.check(check).detail.get("reason")


def test_the_signed_card_holds(chain: Any) -> None:
    card = make(chain)
    report = judge(chain, card.text)
    assert report.subject == str(card.manifest.id)
    assert report.issuer == chain.signer.did
    for check in ("card", "card.sources", "card.current", "manifests", "lineage", "blobs"):
        assert report.check(check).state is CheckState.PASS, check
    assert report.check("card").detail["checkpoint"] == str(chain.made["checkpoint"].id)
    assert not any("answers" in line for line in report.not_proven)
    # Its manifest, as `show --raw` writes it, is the same card.
    assert judge(chain, card.manifest.encode()).checks == report.checks


def test_answers_stay_unproven(chain: Any) -> None:
    report = judge(chain, make(chain, responses=parse_responses(ANSWERS)).text)
    assert report.check("card.sources").state is CheckState.PASS
    assert any("answers" in line for line in report.not_proven)


def test_one_changed_byte_is_named(chain: Any) -> None:
    card = make(chain)
    at = card.text.index(b"accuracy | 0.75") + len(b"accuracy | 0.7")
    edited = card.text[:at] + b"9" + card.text[at + 1 :]
    report = judge(chain, edited)
    assert report.verdict is Verdict.INVALID
    assert reason(report, "card") == "edited"
    line = edited[:at].count(b"\n") + 1
    assert f"line {line} is " in report.check("card").summary
    assert report.check("card").detail["nearest"] == str(card.manifest.id)
    assert report.check("blobs").state is CheckState.UNCHECKED
    rewritten = judge(chain, card.text.replace(b"\n", b"\r\n"))
    assert reason(rewritten, "card") == "edited"
    assert "line ends alone" in rewritten.check("card").summary
    manifest = card.manifest.encode().replace(b'"statements":', b'"statements":1')
    assert reason(judge(chain, manifest), "card") == "edited"


@pytest.mark.parametrize("text", [b"", b"# Another card\n", b"\xff\x00\x1b[2J", b"{}" * 9])
def test_what_is_of_no_card_here_is_never_a_success(chain: Any, text: bytes) -> None:
    make(chain)
    report = judge(chain, text)
    assert report.verdict is Verdict.INCOMPLETE
    assert reason(report, "card") == "another-store"
    claimed = judge(chain, text + str(chain.repository.store_id).encode())
    assert claimed.verdict is Verdict.INVALID
    assert reason(claimed, "card") == "not-signed"


def test_a_card_that_says_what_its_evidence_does_not_is_no_card(chain: Any) -> None:
    honest = make(chain)
    lie = honest.text.replace(b"**the baseline is better**", b"**the model is better**")
    assert lie != honest.text
    _log_card(chain, honest, lie, chain.signer)
    report = judge(chain, lie)
    assert report.check("card").state is CheckState.PASS
    assert report.verdict is Verdict.INVALID
    assert reason(report, "card.sources") == "differs"
    assert "the model is better" in report.check("card.sources").summary
    # The honest one is still signed; there is a newer one.
    assert judge(chain, honest.text).check("card.current").state is CheckState.WARN


def test_who_may_sign_no_cards_signs_none_and_hides_none(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = make(chain)
    lie = honest.text.replace(b"**the baseline is better**", b"**the model is better**")
    with monkeypatch.context() as patched:
        patched.setattr(Appender, "_check_refs", lambda *_: None)
        for text in (lie, honest.text):
            _log_card(chain, honest, text, signer_for("mallory"), name="cards/acme/other")
    report = judge(chain, lie)
    assert report.verdict is Verdict.INVALID
    assert report.check("manifests").state is CheckState.FAIL
    assert judge(chain, honest.text).subject == str(honest.manifest.id)


def test_what_came_after_it_is_said(chain: Any) -> None:
    card = make(chain)
    old = chain.made["evaluation"]
    chain.log(
        "again", kind="evaluation", name="evaluations/acme/again", body=old.body, inputs=old.inputs
    )
    report = judge(chain, card.text)
    assert report.check("card.sources").state is CheckState.PASS
    assert report.check("card.current").state is CheckState.WARN
    assert "evaluations/acme/again" in report.check("card.current").summary
    newer = make(chain)
    assert newer.changed
    assert judge(chain, newer.text).check("card.current").state is CheckState.PASS
    assert "newer card" in judge(chain, card.text).check("card.current").summary


def test_a_profile_of_another_version_is_not_judged(chain: Any) -> None:
    honest = make(chain)
    text = honest.text + b"\nOf another profile.\n"
    _log_card(chain, honest, text, chain.signer, profile="huggingface/1")
    found = judge(chain, text).check("card.sources")
    assert (found.state, found.detail["reason"]) == (CheckState.UNCHECKED, "other-profile")


def test_a_card_of_the_profile_before_holds(chain: Any) -> None:
    """Cards of 0.1.0 say *claimed by*; they are made again as they were."""
    responses = parse_responses(ANSWERS)
    newer = make(chain, responses=responses)
    facts = gather(chain.repository, chain.made["checkpoint"])
    text = render_card(facts, responses, profile="huggingface/2").data
    assert b"*(claimed by Ada, 2026-11-24)* " in text
    answers = newer.manifest.attachments_in("answers")
    _log_card(chain, newer, text, chain.signer, profile="huggingface/2", more=answers)
    assert judge(chain, text).check("card.sources").state is CheckState.PASS
    newest = make(chain, responses=responses)
    assert (newest.changed, newest.text) == (True, newer.text)
    _log_card(chain, newest, text, chain.signer, profile="huggingface/3", more=answers)
    assert reason(judge(chain, text), "card.sources") == "differs"


def _log_card(
    chain: Any,
    like: Any,
    text: bytes,
    signer: Any,
    name: str = "",
    profile: str = "",
    more: Any = (),
) -> None:
    from lyrikstore.canon.digest import Digest

    body = {**like.manifest.body, **({"profile": profile} if profile else {})}
    with open_transaction(chain.repository) as tx:
        tx.writer.put_bytes(text)
        tx.log_manifest(
            sign_manifest(
                kind="card",
                store=chain.repository.store_id,
                name=name or like.manifest.name,
                body=body,
                signer=signer,
                created=chain.clock(),
                parents=[] if name else [like.manifest.id],
                inputs=like.manifest.inputs,
                attachments=[Attachment("card", Digest.of(text), len(text)), *more],
            )
        )
        tx.commit()


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
    return publisher, publisher.folder / "MODEL_CARD.md"


def test_on_the_command_line(handed: tuple[Person, Path], new_person: Any, tmp_path: Path) -> None:
    publisher, card = handed
    report = publisher.ok("verify", card, "--json").json
    assert report["verdict"] == "trusted"
    publisher.ok("verify", "MODEL_CARD.md", "--report", "card.html")

    # A regulator: the file in one place, a copy of the store in another, nobody trusted yet.
    regulator = new_person("regulator")
    mine = regulator.folder / "card.md"
    shutil.copy(card, mine)
    lonely = regulator.fails(10, "verify", mine)
    assert "names store blake3:" in lonely.err
    assert "--store" in lonely.err
    shutil.copytree(publisher.folder / ".lyrikstore", regulator.folder / "theirs" / ".lyrikstore")
    assert regulator.fails(4, "verify", mine, "--store", "theirs", "--json").json["checks"]
    mine.write_bytes(mine.read_bytes().replace(b"A draft", b"A final"))
    edited = regulator.fails(3, "verify", mine, "--store", "theirs")
    assert "differs: line" in edited.out
    assert edited.out.splitlines()[-1].startswith("INVALID")
    page = regulator.folder / "card.html"
    page.write_text(f"<p>{card.read_text()}</p>")
    regulator.fails(3, "verify", page, "--store", "theirs")
    regulator.fails(2, "verify", mine, "--data", regulator.folder, "--store", "theirs")

    raw = publisher.ok("show", "cards/acme/tiny", "--raw").out
    (regulator.folder / "card.json").write_bytes(raw.encode())
    regulator.fails(4, "verify", "card.json", "--store", "theirs")
    # Alone it is signed, and nothing shows by whose leave or where it is logged.
    assert "no log proof" in regulator.fails(5, "verify", "card.json").out


def test_answers_stay_on_the_command_line(handed: tuple[Person, Path]) -> None:
    publisher, _ = handed
    file = publisher.folder / "answers.toml"
    file.write_bytes(ANSWERS)
    card = ("card", "checkpoints/acme/tiny", "--json")
    given = publisher.ok(*card, "--answers", file).json
    assert (given["claimed"], given["answersKept"]) == (1, False)
    kept = publisher.ok(*card).json
    assert (kept["claimed"], kept["answersKept"], kept["changed"]) == (1, True, False)
    assert kept["markdown"] == given["markdown"]
    publisher.ok("card", "checkpoints/acme/tiny", "-o", "MODEL_CARD.md")
    publisher.ok("verify", "MODEL_CARD.md")
    (publisher.folder / "model" / "config.json").write_text('{"a": 1}')
    publisher.ok("commit", "model", "-d", "checkpoints/acme/tiny")
    assert publisher.fails(14, *card).kind == "other-answers"
    assert publisher.ok(*card, "--no-answers").json["claimed"] == 0
    publisher.fails(2, *card, "--no-answers", "--answers", file)


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


def test_without_the_store_the_evidence_beside_it_tells_who_signed_it(
    handed: tuple[Person, Path], new_person: Any
) -> None:
    publisher, _ = handed
    publisher.ok("card", "checkpoints/acme/tiny", "-o", "MODEL_CARD.md", "--evidence")
    assert publisher.fails(2, "card", "checkpoints/acme/tiny", "--evidence").err
    regulator = new_person("regulator")
    for one in publisher.folder.glob("MODEL_CARD*"):
        shutil.copy(one, regulator.folder)
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

    text = regulator.folder / "MODEL_CARD.md"
    good = text.read_bytes()
    text.write_bytes(good.replace(b"A draft", b"A final"))
    assert "contents differ" in regulator.fails(3, "verify", "MODEL_CARD.md").out
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

    assert alone(card.text, files).verdict is Verdict.TRUSTED
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
    report = alone(card.text, {**files, "policy-2.json": unproven.encode()})
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
    report = alone(card.text, {**files, "manifest.json": forged.encode()})
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
    report = alone(card.text, beside)
    assert report.verdict is Verdict.INVALID
    assert report.check("manifest.signature").detail["reason"] == "unauthorised"
    # Of both, the one with these bytes is meant; of none, what lies there differs.
    assert reason(alone(b"# another", files), "card") == "edited"
    assert sibling_card(b"# another", {"a": b"{}", "b": files["genesis.json"]}) is None
    # A genesis of another store is not this store's.
    other = {**files, "genesis.json": files["manifest.json"]}
    assert alone(card.text, other).check("store.genesis").state is CheckState.UNCHECKED
