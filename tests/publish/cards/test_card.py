"""A card says what signed objects say, each statement with its evidence, and nothing else."""

import re
from itertools import pairwise
from typing import Any

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.history.commit.appender import Appender
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import parse_manifest, sign_manifest
from lyrikstore.publish.cards.answers import QUESTIONS, parse_responses
from lyrikstore.publish.cards.card import CardResult, make_card
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.render import render_card
from lyrikstore.publish.status.withdrawals import Withdrawal
from lyrikstore.testing.keys import signer_for
from tests.pages import blocks

ANSWERS = b"""
expert = "Dr <b>Ada</b>"
date = "2026-11-24"

[answers]
intended-use = "Sorting licences before a lawyer reads them.\\n\\n# Not a heading"
limitations = "<script>alert(1)</script> | [x](http://evil.example)"
"""


def make(chain: Any, nickname: str = "checkpoint", **changes: Any) -> CardResult:
    arguments = {"signer": chain.signer, "clock": chain.clock}
    return make_card(chain.repository, chain.made[nickname], **{**arguments, **changes})


@pytest.fixture(scope="module")
def card(full_chain: Any) -> CardResult:
    return make(full_chain)


def statements(text: str) -> list[str]:
    """Return every line that states something: list items and table rows with data."""
    body = text.split("\n## Identity\n", 1)[1].split("\n## Evidence\n", 1)[0]
    lines = [line for line in body.splitlines() if line.startswith(("- ", "| "))]
    return [line for line in lines if "| evidence |" not in line and "| --- |" not in line]


def test_the_hub_can_read_it(card: CardResult) -> None:
    read = ModelCard(card.text.decode())
    data = read.data.to_dict()
    assert data["library_name"] == "peft"
    assert data["pipeline_tag"] == "text-classification"
    results = {result.metric_type: result for result in read.data.eval_results or []}
    assert results["accuracy"].metric_value == 0.75
    assert results["f1"].metric_value == 0.75
    assert results["accuracy"].dataset_name == "datasets/acme/clean.test"
    # Names of a store are not names on the Hub; nothing may link to a stranger's model.
    assert not {"base_model", "datasets", "license"} & data.keys()


def test_every_statement_has_evidence_that_resolves(full_chain: Any, card: CardResult) -> None:
    text = card.text.decode()
    table = dict(re.findall(r"^\| (E\d+) \| .* \| `(blake3:[0-9a-f]{64})` \|$", text, re.MULTILINE))
    lines = statements(text)
    assert len(lines) == card.statements
    cited: set[str] = set()
    for line in lines:
        found = re.findall(r"\[(E\d+)\]\(#evidence\)", line)
        assert found, line
        cited.update(found)
    assert cited == set(table)
    assert {Digest.parse(item) for item in table.values()} == set(card.evidence)
    for identity in card.evidence:
        assert full_chain.repository.is_logged(identity)


def test_its_manifest_covers_it(full_chain: Any, card: CardResult) -> None:
    manifest = parse_manifest(card.manifest.encode())
    attachment = manifest.attachments_in("card")[0]
    assert attachment.id == Digest.of(card.text)
    stored = full_chain.repository.blobs.read(attachment.id, max_bytes=1 << 20)
    assert stored == card.text
    # Whoever has only the file is told how to compare it with what was signed.
    assert f"    lyrikstore show {manifest.name}\n" in card.text.decode()
    assert manifest.body["statements"] == card.statements
    assert manifest.body["notEstablished"] == card.not_established
    assert sorted(manifest.body["evidence"]) == sorted(map(str, card.evidence))
    inputs = {item.id for item in manifest.inputs}
    made = full_chain.made
    for nickname in ("checkpoint", "run", "base", "train", "test", "raw", "filter", "evaluation"):
        assert made[nickname].id in inputs, nickname


def test_counts_are_what_the_text_shows(card: CardResult) -> None:
    text = card.text.decode()
    assert text.count("*not established*") == card.not_established
    assert f"It makes {card.statements} statements" in text
    assert card.claimed == 0


def test_it_tells_the_honest_result(card: CardResult) -> None:
    text = card.text.decode()
    assert "**the baseline is better** than the model, by 0.05" in text
    assert "accuracy | 0.75 (0.50 to 0.99) | 0.80 (0.50 to 0.99) | 0.5 (0.1 to 0.9)" in text
    assert "4 records seen, 3 kept here, 1 of them changed, 1 dropped" in text
    assert "Apache-2.0, says the package" in text


def test_it_shows_what_a_right_rests_on_and_claims_none_for_today(full_chain: Any) -> None:
    facts = gather(full_chain.repository, full_chain.made["checkpoint"])
    assert facts.run is not None
    right = dict(facts.run.body["rights"][0])
    del right["validUntil"]  # a credential need not have an end
    right |= {"partitions": ["open", "client"], "grant": str(Digest.of(b"a grant"))}
    run = replace(facts.run, body={**facts.run.body, "rights": [right]})
    card = render_card(replace(facts, run=run), None)
    text = card.data.decode()
    assert "(partitions open, client): train, by" in text
    assert "to `no end`" in text or "to no end" in text
    assert Digest.of(b"a grant") in card.evidence
    assert "permitted when issued" in text
    assert "whether these credentials still hold: *not established*" in text


def test_it_shows_a_withdrawn_right_as_withdrawn(full_chain: Any) -> None:
    facts = gather(full_chain.repository, full_chain.made["checkpoint"])
    assert facts.run is not None
    assert facts.withdrawn == {}
    assert "**withdrawn**" not in render_card(facts, None).data.decode()
    right = Digest.parse(facts.run.body["rights"][0]["credential"])
    taken = {right: Withdrawal("revoked", Digest.of(b"a list"), 17)}
    card = render_card(replace(facts, withdrawn=taken), None)
    (line,) = [one for one in card.data.decode().splitlines() if "**withdrawn**" in one]
    assert "revoked, by log entry 17" in line
    assert Digest.of(b"a list") in card.evidence


def test_it_shows_the_rights_of_an_evaluation_or_that_none_are_recorded(full_chain: Any) -> None:
    facts = gather(full_chain.repository, full_chain.made["checkpoint"])
    bare = render_card(facts, None)
    old = "the right to evaluate on this data: *not established* (the evaluation records none)"
    assert old in bare.data.decode()
    right = {
        "dataset": str(full_chain.made["test"].id),
        "credential": str(Digest.of(b"a credential")),
        "issuer": full_chain.signer.did,
        "permits": ["evaluate", "<b>"],
        "validUntil": "2027-11-24T12:00:00Z",
    }
    (evaluation,) = facts.evaluations
    shown = replace(evaluation, body={**evaluation.body, "rights": [right]})
    card = render_card(replace(facts, evaluations=(shown,)), None)
    text = card.data.decode()
    assert "evaluate, &#60;b&#62;, by `did:key:" in text
    assert old not in text
    assert Digest.of(b"a credential") in card.evidence
    assert card.not_established == bare.not_established - 1
    assert "credential that the evaluation relies on" in text


def test_made_twice_it_is_the_same_and_logged_once(chain: Any) -> None:
    first = make(chain)
    size = chain.repository.checkpoint.size
    chain.clock.moment = chain.clock.moment.replace(year=2027)
    second = make(chain)
    assert (first.changed, second.changed) == (True, False)
    assert second.text == first.text
    assert second.manifest.id == first.manifest.id
    assert chain.repository.checkpoint.size == size
    facts = gather(chain.repository, chain.made["checkpoint"])
    assert render_card(facts, None).data == first.text


def test_answers_are_claims_with_a_name(chain: Any) -> None:
    before = make(chain)
    responses = parse_responses(ANSWERS)
    card = make(chain, responses=responses)
    text = card.text.decode()
    assert card.changed
    assert card.claimed == 2
    assert card.not_established == before.not_established - 2
    assert card.manifest.parents == (before.manifest.id,)
    assert card.manifest.attachments_in("answers")[0].id == Digest.of(ANSWERS)
    assert Digest.of(ANSWERS) in card.evidence
    entered = f"entered by `{chain.signer.did}` as the words of Dr &#60;b&#62;Ada&#60;/b&#62;"
    assert text.count(f"*({entered}, 2026-11-24, unsigned)*") == 2
    assert len(statements(text)) == card.statements


def test_answers_stay_in_the_next_card_of_the_same_model_by_the_same_key(chain: Any) -> None:
    first = make(chain, responses=parse_responses(ANSWERS))
    assert first.kept is None
    again = make(chain)
    assert not again.changed
    assert again.kept == parse_responses(ANSWERS)
    old = chain.made["evaluation"]
    chain.log(
        "again", kind="evaluation", name="evaluations/acme/again", body=old.body, inputs=old.inputs
    )
    with_both = make(chain)
    assert with_both.changed
    assert with_both.claimed == 2
    assert with_both.manifest.attachments_in("answers") == first.manifest.attachments_in("answers")

    with pytest.raises(PolicyError) as refused:
        make(chain, signer=signer_for("colleague"))
    assert refused.value.kind == "other-answers"
    assert refused.value.details["answers"] == str(Digest.of(ANSWERS))
    bare = make(chain, keep_answers=False)
    assert (bare.claimed, bare.kept) == (0, None)
    assert make(chain).claimed == 0  # left out on purpose, they do not come back


def test_answers_about_a_model_are_not_put_on_the_next_one(chain: Any) -> None:
    make(chain, responses=parse_responses(ANSWERS))
    old = chain.made["checkpoint"]
    chain.log(
        "next",
        kind="checkpoint",
        name=old.name,
        body={**old.body, "step": 99},
        inputs=old.inputs,
        tree=old.tree,
        files=old.files,
        parents=[old.id],
    )
    with pytest.raises(PolicyError) as refused:
        make(chain, "next")
    assert refused.value.kind == "other-answers"
    assert make(chain, "next", responses=parse_responses(ANSWERS)).claimed == 2


def test_no_foreign_text_becomes_markup(chain: Any) -> None:
    card = make(chain, responses=parse_responses(ANSWERS))
    tokens = MarkdownIt("commonmark").enable("table").parse(card.text.decode().split("---\n", 2)[2])
    flat = [t for token in tokens for t in (token, *(token.children or []))]
    assert not [t for t in flat if t.type in {"html_block", "html_inline", "image"}]
    links = {t.attrs["href"] for t in flat if t.type == "link_open"}
    assert links == {"#evidence"}
    headings = [b.content for a, b in pairwise(tokens) if a.type == "heading_open"]
    assert "Not a heading" not in headings
    assert headings[1:] == [
        "Identity",
        "Intended use",
        "Training data",
        "Training procedure",
        "Evaluation",
        "evaluations/acme/classifier",
        "Limitations and risks",
        "Oversight",
        "Evidence",
    ]


def test_a_base_model_s_card_lacks_what_it_lacks(chain: Any) -> None:
    card = make(chain, "base")
    text = card.text.decode()
    assert "training data: *not established*" in text
    assert "how well it works: *not established*" in text
    assert "how it was trained: *not established*" in text
    assert len(statements(text)) == card.statements
    ModelCard(text)


def test_evaluations_without_effect_are_left_out(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = make(chain)
    genuine = chain.made["evaluation"]
    with (
        monkeypatch.context() as patched,
        open_transaction(chain.repository) as tx,
    ):
        patched.setattr(Appender, "_check_refs", lambda *_: None)
        forged = sign_manifest(
            kind="evaluation",
            store=chain.repository.store_id,
            name="evaluations/acme/better",
            body={
                **genuine.body,
                "model": {**genuine.body["model"], "accuracy": {"value": "1"}},
            },
            signer=signer_for("mallory"),
            created=chain.clock(),
            inputs=genuine.inputs,
        )
        tx.log_manifest(forged)
        tx.commit()
    assert [item.reason for item in chain.repository.flagged] == ["unauthorised"]
    again = make(chain)
    assert not again.changed
    assert again.text == honest.text


def test_only_checkpoints_and_only_with_authority(chain: Any) -> None:
    with pytest.raises(InvalidInputError):
        make(chain, "raw")
    with pytest.raises(PolicyError):
        make(chain, signer=signer_for("mallory"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"not toml [",
        b'expert = "a"\ndate = "2026-11-24"\n',
        b'expert = "a"\ndate = "yesterday"\n[answers]\n',
        b'expert = ""\ndate = "2026-11-24"\n[answers]\n',
        b'expert = 1\ndate = "2026-11-24"\n[answers]\n',
        b'expert = "a"\ndate = "2026-11-24"\n[answers]\nweather = "fine"\n',
        b'expert = "a"\ndate = "2026-11-24"\n[answers]\nrisks = ""\n',
        b'expert = "a"\ndate = "2026-11-24"\n[answers]\nrisks = 3\n',
        b'expert = "a"\ndate = "2026-11-24"\nmore = 1\n[answers]\n',
        b"a = " + b"[" * 20_000,
        b"#" * (1 << 19),
    ],
)
def test_bad_answers_are_told_in_one_line(text: bytes) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_responses(text)
    assert "\n" not in caught.value.message


def test_the_documentation_shows_every_question() -> None:
    shown = next(block for block in blocks("training.md", "toml") if "[answers]" in block)
    assert list(parse_responses(shown.encode()).answers) == list(QUESTIONS)


def test_a_toml_date_is_a_date() -> None:
    made = parse_responses(b'expert = "a"\ndate = 2026-11-24\n[answers]\nrisks = "none"\n')
    assert made.date == "2026-11-24"
    assert set(made.answers) <= set(QUESTIONS)


def test_the_log_shows_what_a_run_was_permitted_by(full_chain: Any, new_person: Any) -> None:
    reader = new_person("reader")
    right = full_chain.made["run"].body["rights"][0]
    shown = reader.ok("log", "runs/acme/classifier", "--store", full_chain.home).out
    ids = [Digest.parse(right[name]).short for name in ("dataset", "credential")]
    assert f"may use dataset {ids[0]} by credential {ids[1]}: train, to 2027-11-24" in shown
    bare = reader.ok("log", "evaluations/acme/classifier", "--store", full_chain.home).out
    assert "records no right to use the data" in bare


def test_the_log_shows_which_runs_came_to_nothing(chain: Any, new_person: Any) -> None:
    tried = chain.made["run"]
    given_up = chain.log(
        "given up",
        kind="run",
        name=tried.name,
        parents=(tried.id,),
        inputs=tried.inputs,
        body={**tried.body, "seed": tried.body["seed"] + 1},
    )
    log = ("log", "runs/acme/classifier", "--store", chain.home)
    reader = new_person("reader")
    shown = reader.ok(*log).out
    made = f"made checkpoint {chain.made['checkpoint'].id.short}"
    assert shown.index(given_up.id.short) < shown.index("no checkpoint of it") < shown.index(made)
    assert [version["checkpoints"] for version in reader.ok(*log, "--json").json["versions"]] == [
        [],
        [str(chain.made["checkpoint"].id)],
    ]
