"""Lineage and impact: what is on the pages without a program, and the data of the drawing."""

import json

import pytest
from msgspec.structs import replace

from lyrikstore.explorer.graph import standing
from lyrikstore.explorer.graph.lineage import object_link
from lyrikstore.explorer.graph.links import GraphNode
from tests.explorer.browsing import links_of, rows_of


@pytest.fixture
def made(chain_browser):
    return chain_browser.chain.made


def drawn(page):
    return json.loads(page.find(".//script[@id='lineage-data']").text)


def test_lists_lead_in_both_directions(chain_browser, made) -> None:
    page = chain_browser.page(f"/lineage/{made['train'].id}")
    headings = [one.text for one in page.iterfind(".//div[@id='lineage']//h2")]
    assert len(headings) == 2
    targets = " ".join(links_of(page).values())
    assert made["raw"].id.hex in targets
    assert made["run"].id.hex in targets


def test_the_drawing_has_what_the_lists_have(chain_browser, made) -> None:
    page = chain_browser.page(f"/lineage/{made['train'].id}", up="12", down="12")
    data = drawn(page)
    assert data["centre"] == str(made["train"].id)
    listed = page.xpath("//div[@id='lineage']//a/@href")
    for one in data["nodes"]:
        assert one["id"] == data["centre"] or one["href"] in listed


def test_depth_and_direction(chain_browser, made) -> None:
    page = chain_browser.page(f"/lineage/{made['train'].id}", up="0", down="1")
    assert len(page.findall(".//div[@id='lineage']//h2")) == 1
    assert str(made["raw"].id) not in {one["id"] for one in drawn(page)["nodes"]}


def test_lineage_without_an_id_shows_the_newest_model(chain_browser, made) -> None:
    assert drawn(chain_browser.page("/lineage"))["centre"] == str(made["checkpoint"].id)


def test_impact_lists_all_that_depends_and_what_was_kept(chain_browser, made) -> None:
    impact = chain_browser.explorer.store.query.impact(made["raw"].id)
    page = chain_browser.page(f"/impact/{made['raw'].id}")
    rows = rows_of(page)
    assert len(rows) == len(impact.affected)
    counted = [one for one in impact.affected if one.counts is not None]
    assert counted
    assert str(counted[0].counts["kept"]) in rows[impact.affected.index(counted[0])][2]


def test_what_has_no_effect_leads_to_the_page_of_any_object() -> None:
    node = GraphNode("blake3:1", "run", "runs/a/b", None, False, 3)
    assert object_link(node).startswith("/run/")
    assert object_link(replace(node, flagged="unauthorised")).startswith("/object/")


def test_only_what_can_be_compared_leads_to_the_version_before(chain_browser, made) -> None:
    newer = replace(made["checkpoint"], parents=(made["checkpoint"].id,))
    ways = [link for _, link in chain_browser.explorer.ways_from(newer)]
    assert any(link.startswith("/compare") for link in ways)
    deployed = replace(newer, kind="deployment")
    ways = [link for _, link in chain_browser.explorer.ways_from(deployed)]
    assert not any(link.startswith("/compare") for link in ways)


def test_an_unknown_object(chain_browser) -> None:
    page = chain_browser.page(f"/lineage/blake3:{'0' * 64}", status=404)
    assert page.find(".//main").get("data-kind")


def test_a_revoked_right_is_marked_on_all_that_depends_on_it(chain_browser, monkeypatch) -> None:
    credential = str(chain_browser.credential)
    revoked = [(credential, standing.Standing("revoked", "revoked"))]
    monkeypatch.setattr(standing, "_status", lambda _registry: revoked)
    standing._MAPS.clear()
    found = standing.map_of(chain_browser.explorer)
    standing._MAPS.clear()
    keys = {one: [it.key for it in some] for one, some in found.standings.items()}
    assert keys[credential] == ["revoked"]
    # It was issued by the store itself: the data that it is about does not depend on it.
    assert str(chain_browser.chain.made["raw"].id) not in keys
    assert keys[str(chain_browser.chain.made["run"].id)] == ["right-revoked"]
    assert keys[str(chain_browser.chain.made["checkpoint"].id)] == ["right-revoked"]


def test_the_map_is_made_in_the_background(chain_browser, made, monkeypatch) -> None:
    monkeypatch.setattr(standing, "_WAIT", 0)
    standing._MAPS.clear()
    path = f"/lineage/{made['train'].id}"
    waiting = chain_browser.page(path)
    assert waiting.find(".//meta[@http-equiv='refresh']") is not None
    monkeypatch.setattr(standing, "_WAIT", 60)
    assert drawn(chain_browser.page(path))["centre"] == str(made["train"].id)
