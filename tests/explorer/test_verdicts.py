"""Verdicts of a store that does not hold, and what is kept of them."""

import json
import shutil
import time

import pytest

from lyrikstore.api.purge import explorer_folder
from lyrikstore.canon.limits import MAX_NAMED
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.explorer import verdicts
from lyrikstore.explorer.marks import MARKED_ALONE, marks_of, says_all
from lyrikstore.explorer.verdicts import KnownVerdict, KnownVerdicts, Verdicts
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Report, failed, unchecked, warned
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.store import verify_store
from tests.explorer.browsing import Browser, copy_of
from tests.explorer.test_objects import await_verdicts
from tests.index.conftest import Chain
from tests.publish.cards.buying import PUBLISHER, bought, revoke
from tests.publish.cards.making import make, trusting


@pytest.fixture
def own(made, tmp_path):
    opened = Browser(copy_of(made, tmp_path / "own"))
    yield opened
    opened.close()


def damage(browser) -> str:
    """Change a byte in every pack; return the id of a manifest."""
    newest = str(browser.explorer.store.resolve("acme/letters").id)
    for pack in sorted((browser.folder / "store" / "packs").rglob("*")):
        if pack.is_file():
            data = bytearray(pack.read_bytes())
            data[len(data) // 2] ^= 1
            pack.chmod(0o600)
            pack.write_bytes(data)
    return newest


def test_of_a_damaged_store_nothing_is_said_to_hold(own) -> None:
    await_verdicts(own)
    newest = damage(own)
    own.explorer.verdicts.known = KnownVerdicts()
    own.explorer.verdicts._cache = None
    own.page("/")
    for _ in range(600):
        found = own.explorer.verdicts
        if found.failed or found.known.store:
            break
        time.sleep(0.05)
    states = {own.explorer.judgement_of(one).state for one in own.explorer.facts.objects}
    assert "pass" not in states, states
    assert own.explorer.judgement_of(newest).state != "trusted"
    assert own.page("/").find(".//header/p").get("class") == "lead invalid"


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(tmp_path_factory.mktemp("chain")).build()


def reported(chain, *checks):
    return Report.of("store", checks, subject="s", issuer=None, at=chain.clock())


def test_what_was_made_from_an_object_that_does_not_hold_does_not_hold(chain) -> None:
    made = chain.made
    problem = f"datasets/acme/contracts ({made['raw'].id.short}): other bytes"
    report = reported(chain, failed("datasets", "problems", "x", problems=[problem]))
    assert says_all(chain.repository, report)
    marks = marks_of(chain.context, report)
    assert {nickname for nickname, one in made.items() if str(one.id) in marks} == {
        *("raw", "train", "run", "checkpoint", "evaluation")
    }
    assert {state for state, _ in marks.values()} == {"invalid"}


def test_a_warning_concerns_all_that_was_made_from_the_named_object(chain) -> None:
    made = chain.made
    problem = f"runs/acme/classifier ({made['run'].id.short}): a right was revoked"
    report = reported(chain, warned("rights", "noted", "x", problems=[problem]))
    marks = marks_of(chain.context, report)
    concerned = [made[one] for one in ("run", "checkpoint", "evaluation")]
    assert marks == {str(one.id): ("warn", f"rights: {problem}") for one in concerned}


def test_a_problem_does_not_hide_the_warning_of_another_object(chain) -> None:
    made, problems = chain.made, Problems("rights")
    problems.bad.append(f"evaluations/acme/classifier ({made['evaluation'].id.short}): no right")
    problems.warnings.append(f"runs/acme/classifier ({made['run'].id.short}): revoked")
    marks = marks_of(chain.context, reported(chain, problems.close("x")))
    assert marks[str(made["run"].id)][0] == "warn"
    assert marks[str(made["evaluation"].id)][0] == "invalid"


def test_a_problem_that_names_an_object_without_its_id_is_of_all_its_versions(chain) -> None:
    raw = chain.made["raw"]
    report = reported(chain, warned("credentials", "x", "x", problems=[f"{raw.name}: delete it"]))
    assert says_all(chain.repository, report)
    assert marks_of(chain.context, report)[str(raw.id)][0] == "warn"


def test_a_run_that_left_nothing_has_to_be_verified_alone(tmp_path, chain) -> None:
    own, run = chain.copy(tmp_path / "own"), chain.made["run"]
    own.log("left", kind="run", name="runs/acme/left", body=run.body, inputs=list(run.inputs))
    identity = str(own.made["left"].id)
    marks = marks_of(own.context, reported(own))
    assert marks == {identity: (MARKED_ALONE, "")}
    found = Verdicts(lambda: pytest.fail("opened"), None)
    found.known = KnownVerdicts("", KnownVerdict("quick", "now"), marks)
    assert found.judgement_of(identity).state == "unverified"


@pytest.fixture(scope="module")
def buying(chain, tmp_path_factory):
    """A chain with data that was bought, and cards of what was made of it."""
    made = bought(chain.copy(tmp_path_factory.mktemp("bought")))
    for nickname in ("first", "written"):
        made.made[f"card-{nickname}"] = make(made, nickname).manifest
    return made


@pytest.mark.parametrize("case", ["held", "revoked", "ended"])
def test_nothing_looks_sound_that_its_own_verification_would_warn_of(
    buying, case, tmp_path
) -> None:
    own = buying.copy(tmp_path / "own")
    if case == "revoked":
        revoke(own)
    elif case == "ended":
        own.clock.advance(days=400)
    trust = (*trusting(own).issuers, TrustedIssuer(did=PUBLISHER.did, nickname="publisher"))
    context = own.context.afresh(trust=Trust(trust))
    marks = marks_of(context, verify_store(context, share=0))
    for nickname, one in own.made.items():
        if nickname == "foreign":
            continue
        report = verify_object(context, one.id)
        rights = {str(report.check(name).state) for name in ("rights", "rights.sources")}
        if not rights <= {"pass", "n/a"}:
            assert marks.get(str(one.id)), (nickname, rights)
    bad = marks.get(str(own.made["bought"].id), ("",))[0]
    assert bad == ("incomplete" if case == "held" else "invalid")  # no status list is at hand
    assert str(own.made["card-written"].id) in marks


@pytest.mark.parametrize(
    "check",
    [
        failed("log.checkpoint", "bad-note", "x"),
        failed("runs", "problems", "x", problems=["nobody knows where"]),
        failed("runs", "problems", "x", problems=["nobody knows where", "policies/store/main: x"]),
        unchecked("rights", "lost", "x", problems=["log entry 7 may take a right back"]),
        warned("rights", "noted", "x", problems=["abcdef012345"] * MAX_NAMED),
    ],
)
def test_a_report_that_does_not_name_all_leaves_the_others_unverified(chain, check) -> None:
    report = reported(chain, check)
    assert not says_all(chain.repository, report)
    found = Verdicts(lambda: pytest.fail("opened"), None)
    found.known.store = KnownVerdict("doubtful", report.at)
    assert found.judgement_of(str(chain.made["raw"].id)).state == "unverified"


def await_kept(browser) -> None:
    await_verdicts(browser)
    for _ in range(100):
        if (explorer_folder(browser.explorer.cache) / "verdicts.json").exists():
            break
        time.sleep(0.05)


def found_by(verdicts, key):
    verdicts.follow(key)
    for _ in range(600):
        if verdicts.known.store is not None:
            break
        time.sleep(0.05)
    return verdicts.known


def test_verdicts_are_kept_for_this_log_this_trust_file_and_this_day(own, monkeypatch) -> None:
    await_kept(own)
    file = explorer_folder(own.explorer.cache) / "verdicts.json"
    assert file.stat().st_mode & 0o077 == 0
    key = own.explorer.verdicts.known.key
    monkeypatch.setattr(verdicts, "_structure_of", lambda *_: pytest.fail("verified again"))
    again = Verdicts(own.open_store, own.explorer.cache)
    assert found_by(again, key) == own.explorer.verdicts.known
    assert again._kept("another state").store is None
    again.close()


def test_a_kept_file_that_others_can_write_counts_for_nothing(own, tmp_path) -> None:
    await_kept(own)
    key = own.explorer.verdicts.known.key
    file = explorer_folder(own.explorer.cache) / "verdicts.json"
    assert own.explorer.verdicts._kept(key).store is not None
    file.chmod(0o666)
    assert own.explorer.verdicts._kept(key).store is None
    file.chmod(0o600)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert own.explorer.verdicts._kept(key).store is None


def test_what_was_found_of_data_is_not_kept(own) -> None:
    await_kept(own)
    identity = str(own.explorer.store.resolve("acme/letters").id)
    own.explorer.verdicts.ask_for(identity)
    for _ in range(600):
        if own.explorer.judgement_of(identity).state == "trusted":
            break
        time.sleep(0.05)
    assert own.explorer.verdicts.known.objects[identity].at in (
        own.explorer.judgement_of(identity).detail
    )
    assert not own.explorer.verdicts._kept(own.explorer.verdicts.known.key).objects


def test_a_kept_verdict_says_nothing_of_a_store_that_was_rolled_back(own, tmp_path) -> None:
    await_kept(own)
    store, before = tmp_path / "own" / "store", tmp_path / "before"
    shutil.copytree(store, before)
    own.commit("in", "acme/more")
    shutil.rmtree(store)
    before.rename(store)
    again = Browser(tmp_path / "own")
    await_verdicts(again)
    assert again.explorer.verdicts.known.store.verdict == "doubtful"
    assert again.page("/").find(".//header/p").get("class") == "lead invalid"
    assert {again.explorer.judgement_of(one).state for one in again.explorer.facts.objects} == {
        "unverified"
    }
    again.close()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"key": 7}', b"\xff", b"null"])
def test_a_kept_file_that_is_none_counts_for_nothing(own, data) -> None:
    await_verdicts(own)
    folder = explorer_folder(own.explorer.cache)
    folder.mkdir(exist_ok=True)
    (folder / "verdicts.json").write_bytes(data)
    again = Verdicts(own.open_store, own.explorer.cache)
    assert again._kept("a") == KnownVerdicts("a")
    text = json.dumps({"key": "b", "store": None, "marks": {}, "objects": {}})
    (folder / "verdicts.json").write_text(text)
    assert again._kept("a") == KnownVerdicts("a")


def test_a_changed_trust_file_counts_at_once(own) -> None:
    await_verdicts(own)
    key = own.explorer.verdicts.known.key
    assert "unknown to you" not in own.text("/")
    (own.folder / "trust.toml").write_text("", "utf-8")
    assert "unknown to you" in own.text("/")
    assert own.explorer.verdicts.known.key != key
