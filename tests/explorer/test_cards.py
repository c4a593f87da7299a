"""Cards: status, approvals with their words, requirements, the drawn page; deployments."""

import shutil

import pytest

from lyrikstore.publish.cards.approval import approve_card
from tests.conftest import REPOSITORY
from tests.explorer.browsing import Browser, links_of, rows_of
from tests.explorer.chained import ChainBrowser
from tests.publish.cards import making


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory, explored_chain):
    """A session with a chain whose card Ann approved, and whose next card asks something."""
    chain = explored_chain.copy(tmp_path_factory.mktemp("approved"))
    making.policy(chain, making.with_role("approver", "ann", threshold=1))
    making.answer_all(chain)
    chain.made["card"] = making.make(chain).manifest
    approve_card(making.approving(chain, "ann"), chain.made["card"], statement="read <b>twice</b>")
    opened = ChainBrowser(chain)
    yield opened
    opened.close()


def test_the_list_has_status_and_approvals(approved) -> None:
    (row,) = rows_of(approved.page("/cards"))
    assert row[1].strip() == "approved"
    assert row[4] == "1 of 1"


def test_a_card_has_who_approved_with_which_words(approved) -> None:
    page = approved.page(f"/card/{approved.chain.made['card'].id}")
    row = rows_of(page)[0]
    assert row[2] == "read <b>twice</b>"
    assert page.find(".//div[@id='status']").get("class") == "lead approved"
    assert any(one.endswith("/page") for one in links_of(page).values())


def test_the_drawn_card_is_the_signed_one_in_a_sandbox(approved) -> None:
    card = approved.chain.made["card"]
    answer = approved.client.get(f"/card/{card.id}/page")
    (drawn,) = card.attachments_in("html")
    assert len(answer.content) == drawn.bytes
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "script" not in policy


def test_a_card_of_version_0_1_0_has_no_drawn_page(tmp_path) -> None:
    shutil.copytree(REPOSITORY / "tests/compat/v0.1.0/store-with-model", tmp_path / "store")
    opened = Browser(tmp_path)
    (card,) = [
        one.id for _, one in opened.explorer.store.repository.all_manifests() if one.kind == "card"
    ]
    assert opened.text(f"/card/{card}")
    page = opened.page(f"/card/{card}/page", status=404)
    assert page.find(".//main").get("data-kind") == "no-file"
    opened.close()


def test_another_object_is_no_card(approved) -> None:
    page = approved.page(f"/card/{approved.chain.made['run'].id}", status=400)
    assert page.find(".//main").get("data-kind") == "wrong-object"


def test_a_draft_says_what_is_open_and_how_to_send_it(tmp_path, explored_chain) -> None:
    chain = explored_chain.copy(tmp_path)
    chain.made["card"] = making.make(chain, profiles=[making.PICKS]).manifest
    opened = ChainBrowser(chain)
    page = opened.page(f"/card/{chain.made['card'].id}")
    assert page.find(".//div[@id='status']").get("class") == "lead draft"
    commands = [one.text for one in page.iterfind(".//dd/code")]
    assert "lyrikstore card checkpoints/acme/classifier --draft for-the-expert" in commands
    states = [row[2] for row in rows_of(page) if row[0].startswith("Clause")]
    assert states == ["open", "open, not required"]
    opened.close()


def test_an_evaluation_without_predictions_has_no_charts(approved) -> None:
    evaluation = approved.chain.made["evaluation"]
    answer = approved.client.get(f"/evaluation/{evaluation.id}")
    assert answer.status_code >= 400
    links = links_of(approved.page(f"/run/{approved.chain.made['run'].id}"))
    assert not any(one.startswith("/evaluation/") for one in links.values())


def test_nothing_was_deployed(approved) -> None:
    assert not rows_of(approved.page("/uses"))
