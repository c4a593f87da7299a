"""Credentials, and rules with their waivers and decisions."""

import pytest

from lyrikstore.explorer.graph import standing
from tests.explorer.browsing import rows_of
from tests.explorer.chained import ChainBrowser


def test_a_credential_has_issuer_terms_and_validity(chain_browser) -> None:
    (row,) = rows_of(chain_browser.page("/credentials"))
    assert "train" in row[4]
    assert "attribution" in row[4]
    assert row[1].strip()
    assert rows_of(chain_browser.page("/credentials", side="issued"))
    assert not rows_of(chain_browser.page("/credentials", side="imported"))


def test_a_credential_has_a_page_with_its_document(chain_browser) -> None:
    page = chain_browser.page(f"/credential/{chain_browser.credential}")
    assert '"VerifiableCredential"' in page.find(".//pre").text
    commands = [one.text for one in page.iterfind(".//dd/code")]
    assert f"lyrikstore credential revoke {chain_browser.credential.hex[:12]}" in commands


def test_an_unknown_credential(chain_browser) -> None:
    page = chain_browser.page(f"/credential/blake3:{'0' * 64}", status=404)
    assert page.find(".//main").get("data-kind") == "no-id"


def test_a_credential_ends(chain_browser) -> None:
    found = standing.map_of(chain_browser.explorer)
    identity = str(chain_browser.credential)
    (end,) = found.of(identity, "2100-01-01T00:00:00Z")
    assert end.key == "ended"
    assert not found.of(identity, "2026-12-01T00:00:00Z")


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory, explored_chain):
    """A session with a chain that has rules, a waiver and a decision."""
    chain = explored_chain.copy(tmp_path_factory.mktemp("decided"))
    chain.decide()
    opened = ChainBrowser(chain)
    yield opened
    opened.close()


def test_rules_waivers_and_decisions(decided) -> None:
    made = decided.chain.made
    page = decided.page("/rules")
    links = " ".join(page.xpath("//main//a/@href"))
    for name in ("pack", "waiver", "decision"):
        assert made[name].id.hex in links
    badge = page.xpath("//section[2]//tbody//td[1]/span")[0]
    until = made["waiver"].body["until"]
    assert badge.get("class") == "badge quiet"
    assert until in badge.text
    decided.chain.clock.advance(days=40_000)
    badge = decided.page("/rules").xpath("//section[2]//tbody//td[1]/span")[0]
    assert badge.get("class") == "badge withdrawn"
