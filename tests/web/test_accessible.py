"""For everybody: keyboard, screen reader, narrow screens, light and dark."""

import json
import re
from pathlib import Path

import pytest

from tests import npm
from tests.sweep import thinned
from tests.verify.deployment.folders import AT as DEPLOYED_AT
from tests.verify.deployment.folders import files_of, write
from tests.web.conftest import AT, EVERY_BROWSER, attested

pytestmark = [pytest.mark.web]
LOOKS = [("light", 360), ("light", 1200), ("dark", 360), ("dark", 1200)]
REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "page"
PRESENTED = REPOSITORY / "spec" / "vectors" / "verdicts" / "presented.json"


def shortcomings(window) -> list[str]:
    """Return what axe-core finds against WCAG 2.2 A and AA and its best practices."""
    # Evaluated, not added as an element: the page's own policy would refuse that.
    axe = npm.installed(PAGE) / "node_modules" / "axe-core" / "axe.min.js"
    window.page.evaluate(axe.read_text("utf-8"))
    found = window.page.evaluate("() => axe.run()")
    return [
        json.dumps({"rule": item["id"], "where": [node["html"][:120] for node in item["nodes"]]})
        for item in found["violations"]
    ]


@pytest.mark.page
@pytest.mark.parametrize(("scheme", "width"), thinned(LOOKS, 1, ci=2))
def test_everybody_can_read_it(open_page, delivery, did, width, scheme) -> None:
    window = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = window.page
    assert shortcomings(window) == []
    window.give(delivery)
    assert window.verify() == "valid"
    assert shortcomings(window) == []
    window.at("yesterday")
    page.click("#verify")
    page.wait_for_selector("#progress:text('yesterday')")
    assert shortcomings(window) == []
    window.at("")
    page.fill("#did", did)
    assert window.verify() == "trusted"
    assert shortcomings(window) == []
    first, second, *_ = sorted((delivery / "data").iterdir())
    second.unlink()
    page.click("#clear")
    window.give(delivery)
    assert window.verify() == "incomplete"
    assert shortcomings(window) == []
    first.write_bytes(first.read_bytes()[:-1] + b"!")
    window.give(delivery)
    assert window.verify() == "invalid"
    assert shortcomings(window) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    window.shot(f"look-{scheme}-{width}")


@pytest.mark.page
def test_a_presentation_and_the_work_at_it_can_be_read(open_page, delivery, tmp_path) -> None:
    base = json.loads(PRESENTED.read_text("utf-8"))["base"]
    (tmp_path / "presentation.json").write_text(base["target"], "utf-8")
    window = open_page()
    page = window.page
    page.set_input_files("#files", tmp_path / "presentation.json")
    window.verify()
    assert page.locator("[data-part]").count() > 0
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert shortcomings(window) == []
    page.click("#clear")
    work(window, delivery)
    assert shortcomings(window) == []
    page.click("#stop")


@pytest.mark.page
@pytest.mark.parametrize("scheme", thinned(["light", "dark"], 1, ci=2))
def test_attestations_a_drop_and_paper_can_be_read(open_page, tmp_path, scheme) -> None:
    window = open_page(color_scheme=scheme, reduced_motion="reduce", forced_colors="none")
    page = window.page
    page.evaluate("document.getElementById('drop').classList.add('over')")
    assert shortcomings(window) == []
    window.at(AT)
    window.give(attested(tmp_path))
    window.verify()
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert shortcomings(window) == []
    page.emulate_media(media="print")
    assert shortcomings(window) == []


@pytest.mark.parametrize("scheme", thinned(["light", "dark"], 1, ci=2))
def test_where_to_type_and_press_can_be_seen(open_page, delivery, scheme) -> None:
    """WCAG 1.4.11, which axe-core does not look at; and colours that a reader's system forces."""
    window = open_page(color_scheme=scheme)
    window.give(delivery)
    window.verify()
    page = window.page
    drawn = {
        **page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll(
                 "input[type=text], select, button:enabled:not(.primary), .drop")].map((one) =>
                 [one.id, [getComputedStyle(one).borderTopColor, 1]]))"""
        ),
        "lineage": [
            page.evaluate(
                """() => {
                  const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
                  box.setAttribute("class", "box");
                  document.body.appendChild(document.createElementNS(box.namespaceURI, "svg"))
                    .append(box);
                  return getComputedStyle(box).stroke;
                }"""
            )
        ],
        "placeholder": [
            page.evaluate("getComputedStyle(document.getElementById('did'), '::placeholder').color")
        ],
    }
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert len(drawn) > 10
    for name, (color, *_) in drawn.items():
        assert contrast(color, paper) >= (4.5 if name == "placeholder" else 3), (name, color)
    page.emulate_media(color_scheme=scheme, forced_colors="active")
    ink = page.evaluate("getComputedStyle(document.querySelector('svg > rect')).stroke")
    paper = page.evaluate("getComputedStyle(document.querySelector('svg > rect')).fill")
    assert contrast(ink, paper) == 21


def contrast(*colors: str) -> float:
    """Return the ratio of two colours, as WCAG reckons it."""
    lights = []
    for color in colors:
        parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
        red, green, blue = [
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        lights.append(0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
    return max(lights) / min(lights)


def test_a_telephone(open_page, delivery, did) -> None:
    """Every control is large enough for a thumb, and a file picker does what dropping does."""
    phone = {"is_mobile": True, "has_touch": True, "viewport": {"width": 360, "height": 740}}
    window = open_page(**phone)
    page = window.page
    with page.expect_file_chooser() as chooser:
        page.tap("#choose-files")
    files = [path for path in delivery.iterdir() if path.is_file()]
    chooser.value.set_files(files)
    page.wait_for_selector("#verify:enabled")
    page.fill("#did", did)
    page.tap("#verify")
    page.wait_for_selector("#answer:not([hidden])")
    assert page.get_attribute("#verdict", "class") == "incomplete"  # the data was not given
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, a.button, select, summary, input, label")]
          .map((one) => one.matches("input[type=checkbox]") ? one.parentElement : one)
          .filter((one) => one.tagName !== "LABEL" || one.querySelector("input"))
          .map((one) => [one, one.getBoundingClientRect()])
          .filter(([, { width, height }]) => width && (width < 44 || height < 44))
          .map(([one]) => one.outerHTML.slice(0, 80))"""
    )
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def work(window, delivery) -> None:
    """Let the page begin with more than it ends soon."""
    (delivery / "tree.jsonl").unlink()  # without a list every file is read, whatever its length
    with (delivery / "data" / "large.bin").open("wb") as file:
        file.truncate(64 << 30)
    window.give(delivery)
    window.page.click("#verify")
    window.page.wait_for_selector("#bar:not([hidden])")


def heard(window) -> list[dict]:
    """Return what the browser tells a screen reader, in order."""
    session = window.page.context.new_cdp_session(window.page)
    return [
        {
            "role": node["role"]["value"],
            "name": node.get("name", {}).get("value", ""),
            **{one["name"]: one["value"].get("value") for one in node.get("properties", [])},
        }
        for node in in_order(session.send("Accessibility.getFullAXTree")["nodes"])
        if not node["ignored"]
    ]


def in_order(nodes: list[dict]) -> list[dict]:
    """Return the nodes of a tree as they are read; the browser lists them by their depth."""
    by_id = {node["nodeId"]: node for node in nodes}
    pending, read = [nodes[0]["nodeId"]], []
    while pending:
        node = by_id[pending.pop()]
        read.append(node)
        pending += [one for one in reversed(node.get("childIds", [])) if one in by_id]
    return read


def test_what_a_screen_reader_reads(open_page, delivery) -> None:
    first = min((delivery / "data").iterdir())
    first.write_bytes(first.read_bytes()[:-1] + b"!")
    window = open_page()
    window.give(delivery)
    assert window.verify() == "invalid"
    spoken = heard(window)
    [verdict] = [one for one in spoken if one.get("focused") and one["role"] == "heading"]
    assert verdict["name"].startswith("Invalid: ")
    levels = [one["level"] for one in spoken if one["role"] == "heading"]
    assert levels == [1, 2, 2, 2, 3, 3, 4, 4, 4, 3, 3, 3, 3, 2]
    named = {one["name"] for one in spoken if one["role"] in {"heading", "DisclosureTriangle"}}
    assert not {name for name in named if set(name) & set("✓✗–")}
    assert any(name.startswith("fail data.files ") for name in named)
    assert not {one["name"] for one in spoken if set(one["name"]) & set("✓✗")}
    assert [one["name"] for one in spoken if one["role"] == "table"] == ["Files"]
    assert first.name in [one["name"] for one in spoken if one["role"] == "rowheader"]
    assert not [one for one in spoken if one["role"] in {"button", "textbox"} and not one["name"]]
    assert [one.get("live") for one in spoken if one["role"] == "status"] == ["polite"] * 4


@EVERY_BROWSER
def test_focus_stays_where_the_work_is(open_page, delivery) -> None:
    window = open_page()
    page = window.page
    page.locator("#verify").focus()
    work(window, delivery)
    assert page.evaluate("document.activeElement.id") == "verify"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "stop"
    page.keyboard.press("Enter")
    page.wait_for_selector("#stop", state="hidden")
    assert page.evaluate("document.activeElement.id") == "verify"


def test_by_keyboard_alone(open_page, delivery, did) -> None:
    window = open_page()
    window.give(delivery)
    page = window.page
    page.locator("#choose-folder").focus()
    for _ in range(12):
        if page.evaluate("document.activeElement.id") == "did":
            break
        page.keyboard.press("Tab")
    page.keyboard.type(did)
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "verify":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer:not([hidden])")
    # The answer is announced: focus moves to the verdict.
    assert page.evaluate("document.activeElement.id") == "verdict"
    page.keyboard.press("Tab")  # the document in full
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#checks details[open]").count() == 1
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id"))
    assert {"kept", "seek", "wrong"} <= seen


@pytest.mark.page
def test_everybody_can_read_about_a_deployed_folder(open_page, tmp_path) -> None:
    window = open_page(viewport={"width": 360, "height": 900})
    window.at(DEPLOYED_AT)
    window.give(write(files_of("revoked-since"), tmp_path / "model"))
    assert window.verify() == "valid"
    assert shortcomings(window) == []
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 360
