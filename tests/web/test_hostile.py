"""What an attacker can put into a delivery, in the page: an answer each, soon, and never markup."""

import gzip
import json
import shutil
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from blake3 import blake3

from lyrikstore.canon.json import encode
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.testing.keys import signer_for
from tests.sweep import thinned
from tests.web.conftest import EVERY_BROWSER

pytestmark = [pytest.mark.web]

SCRIPT = (
    "<img src=x onerror=\"alert('owned')\"><script>alert('owned')</script>"
    "<svg/onload=alert(1)>]]>--></title></script><a href='javascript:alert(1)'>x</a>\u202e&lt;"
)
KEPT = {"type", "@context", "id", "cryptosuite", "validFrom", "validUntil", "kind", "role"}


def poisoned(value, kept=KEPT):
    """Return the document with markup in every text, where its form allows that."""
    if isinstance(value, dict):
        return {
            name: item if name in kept and not isinstance(item, dict) else poisoned(item, kept)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [poisoned(item, kept) for item in value]
    return SCRIPT if isinstance(value, str) else value


UNSEEN = """() => {
  const texts = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  const found = [];
  const hidden = /(?![ \\n])[\\p{C}\\p{Z}\\p{Default_Ignorable_Code_Point}]/u;
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (!parentElement.matches("script, style") && hidden.test(data)) found.push(data);
  }
  return found;
}"""


def is_clean(window) -> bool:
    """Whether only the page's own elements are there, nothing ran, and all that is said shows."""
    allowed = {
        *("A", "BODY", "BUTTON", "CODE", "DD", "DETAILS", "DIV", "DL", "DT", "FOOTER", "H1", "H2"),
        *(
            "H3",
            "H4",
            "HEAD",
            "HEADER",
            "HTML",
            "INPUT",
            "LABEL",
            "LI",
            "MAIN",
            "META",
            "P",
            "PATH",
        ),
        *("PRE", "PROGRESS", "RECT", "SCRIPT", "SECTION", "SPAN", "STRONG", "STYLE", "SUMMARY"),
        *(
            "OPTION",
            "SELECT",
            "SVG",
            "TABLE",
            "TBODY",
            "TD",
            "TEXT",
            "TH",
            "THEAD",
            "TITLE",
            "TR",
            "UL",
        ),
    }
    found = window.page.evaluate(
        "[...document.querySelectorAll('*')].map((one) => one.tagName.toUpperCase())"
    )
    active = window.page.evaluate(
        """[...document.querySelectorAll('*')].flatMap((one) => [...one.attributes]).filter(
          ({name, value}) => name.startsWith('on') || /^\\s*javascript:/i.test(value)).length"""
    )
    scripts = window.page.locator("script").count()
    unseen = window.page.evaluate(UNSEEN)
    return set(found) <= allowed and active == 0 and scripts == 2 and unseen == []


@EVERY_BROWSER
def test_markup_in_every_text_of_a_credential(open_page, delivery) -> None:
    credential = json.loads((delivery / "credential.json").read_text())
    (delivery / "credential.json").write_text(json.dumps(poisoned(credential)))
    window = open_page()
    window.give(delivery)
    assert window.verify() == "invalid"
    assert is_clean(window)
    assert "<img src=x" in window.page.text_content("#claims")


def test_anything_in_the_place_of_anything(open_page, delivery) -> None:
    """A credential that is no credential is invalid, and its page says so, whatever it holds."""
    credential = json.loads((delivery / "credential.json").read_text())
    subject = credential["credentialSubject"]
    subject["quality"] = [{"metric": "x", "value": "1", "basis": "measured", "recipe": {}}]
    subject["derivedFrom"] = [{"type": "SourceDataset", "id": subject["manifest"], "role": "x"}]
    places = [
        *((credential, name) for name in credential if name not in {"@context", "type"}),
        *((subject, name) for name in subject),
        *((subject["licence"], name) for name in subject["licence"]),
        *((subject["descriptor"][0], name) for name in subject["descriptor"][0]),
        *((subject["quality"][0], name) for name in subject["quality"][0]),
        (subject["derivedFrom"][0], "role"),
        (credential["issuer"], "name"),
    ]
    file = {"name": "credential.json", "mimeType": "application/json"}
    window = open_page()
    for where, name in thinned(places, 12):
        kept = where[name]
        for value in ({}, [{}], [None], None):
            where[name] = value
            content = json.dumps(credential).encode()
            window.page.set_input_files("#files", {**file, "buffer": content})
            window.page.click("#verify")
            window.page.wait_for_selector("#verify[aria-disabled=false]")
            problem = window.page.text_content("#progress")
            assert window.page.is_visible("#answer"), (name, value, problem)
            assert window.page.get_attribute("#verdict", "class") == "invalid", (name, value)
        where[name] = kept


@EVERY_BROWSER
def test_markup_in_everything_else(open_page, delivery) -> None:
    """Signed by its attacker, so that nothing stops before the texts are shown."""
    signer = signer_for("mallory")
    credential = json.loads((delivery / "credential.json").read_text())
    subject = credential["credentialSubject"]
    manifest = json.loads((delivery / "manifest.json").read_text())
    manifest["message"] = SCRIPT
    manifest["author"] = signer.did
    manifest["inputs"] = [
        {"role": "source", "kind": "dataset", "id": "blake3:" + "0" * 64},
        {"role": "filter", "kind": "filter", "id": "blake3:" + "1" * 64},
    ]
    for field in manifest["body"]["descriptor"].values():
        if "reason" in field:
            field["reason"] = SCRIPT
    del manifest["proof"]
    data = encode(add_proof(manifest, signer))
    (delivery / "manifest.json").write_bytes(data)
    subject["manifest"] = f"urn:blake3:{blake3(data).hexdigest()}"
    credential["issuer"] = {"id": signer.did, "name": SCRIPT}
    for item in subject["descriptor"]:
        if "reason" in item:
            item["reason"] = SCRIPT
    del credential["proof"]
    now = datetime.now(UTC)
    (delivery / "credential.json").write_bytes(encode(add_proof(credential, signer, created=now)))
    (delivery / "data" / "<img src=x onerror=alert(1)>").write_text("x")
    window = open_page()
    window.give(delivery)
    assert window.verify() == "invalid"
    window.page.evaluate(
        "document.querySelectorAll('details').forEach((one) => one.setAttribute('open', ''))"
    )
    assert window.page.locator("#shards tr").count() > 1
    assert is_clean(window)
    assert "<img src=x" in window.page.text_content("#claims")
    assert "\\u202e" in window.page.text_content("#claims")
    assert "<img src=x" in window.page.text_content("#shards")


def test_very_much_stands_in_the_way_of_nothing(open_page, delivery) -> None:
    """ATTACK: so many terms and claims that nobody scrolls down to the checks."""
    credential = json.loads((delivery / "credential.json").read_text())
    subject = credential["credentialSubject"]
    [part] = subject["licence"]["partitions"]
    subject["licence"]["partitions"] = [{**part, "name": f"{at}"} for at in range(300)]
    claim = {"metric": "x" * 1000, "value": "1", "basis": "human-asserted", "method": "x"}
    subject["quality"] = [claim] * 500
    (delivery / "credential.json").write_text(json.dumps(credential))
    window = open_page(viewport={"width": 360, "height": 740})
    window.give(delivery)
    assert window.verify() == "invalid"
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert window.page.evaluate("document.querySelector('#claims').offsetHeight") < 4 * 740
    window.page.click("text=Terms of 300 partitions")
    assert window.page.locator("#claims details[open] h4").count() == 300


CROWD = "[" + "{}," * 300_000 + "{}]"  # an attacker's list within the size of a credential
HOSTILE = [
    "",
    "[]",
    "null",
    "\ufeff{}",
    "{} {}",
    '{"a":1,"a":2}',
    '{"a":NaN}',
    "{" * 20_000,
    "[" * 20_000 + "]" * 20_000,
    '{"a":' * 20_000 + "1" + "}" * 20_000,
    '{"__proto__":{"verdict":"trusted"},"constructor":1}',
    '{"__proto__":{"credentialSubject":{"manifest":"x"}},"toString":null}',
    '{"credentialSubject":{"id":9007199254740993}}',
    '"\\ud800"',
    "1e999",
    "1" * 1_000_000,
    '"' + "\\" * 1_000_000,
    "x" * 2_000_000,
    '{"type":["VerifiableCredential"],"credentialSubject":[[]]}',
    f'{{"credentialSubject":{{"quality":{CROWD}}}}}',
    f'{{"credentialSubject":{{"descriptor":{CROWD}}}}}',
    f'{{"credentialSubject":{{"licence":{{"partitions":{CROWD}}}}}}}',
]


@pytest.mark.parametrize(
    "text", thinned(HOSTILE, 8), ids=lambda text: ascii(text[:33]) + str(len(text))
)
def test_hostile_credentials_end_in_an_answer(open_page, browser, delivery, tmp_path, text) -> None:
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    (hostile / "credential.json").write_text(text)
    window, verdict = soon(open_page, browser, hostile, sound=delivery)
    assert verdict == "invalid"
    assert window.report["checks"][0]["state"] in {"fail", "pass"}


@EVERY_BROWSER
def test_hostile_credentials_end_in_an_answer_everywhere(open_page, tmp_path) -> None:
    window = open_page()
    for text in HOSTILE:
        (tmp_path / "credential.json").write_text(text)
        window.page.set_input_files("#files", tmp_path / "credential.json")
        assert window.verify() == "invalid", text[:40]


@pytest.fixture(scope="module")
def bomb() -> str:
    """1.4 MB of base64url that unpack to one GiB."""
    packed = gzip.compress(bytes(1 << 30), compresslevel=9)
    return "u" + urlsafe_b64encode(packed).decode().rstrip("=")


def with_a_bomb(delivery: Path, bomb: str) -> None:
    """Sign a delivery anew whose status list is a bomb."""
    mallory = signer_for("mallory")
    now = datetime.now(UTC)
    (revocations,) = delivery.glob("status-revocation-*")
    for name in ("credential.json", revocations.name):
        document = json.loads((delivery / name).read_text())
        del document["proof"]
        document["issuer"] = {"id": mallory.did}
        if "encodedList" in document["credentialSubject"]:
            document["issuer"] = mallory.did
            document["credentialSubject"]["encodedList"] = bomb
        (delivery / name).write_bytes(encode(add_proof(document, mallory, created=now)))


@EVERY_BROWSER
def test_a_bomb_is_cut_off_everywhere(open_page, delivery, bomb) -> None:
    with_a_bomb(delivery, bomb[:1_000_001])
    window = open_page()
    window.give(delivery)
    assert window.verify() == "incomplete"
    [check] = [check for check in window.report["checks"] if check["id"] == "status"]
    assert check["detail"]["reason"] == "unsound-list"


@pytest.mark.parametrize(
    ("length", "reason", "words"),
    [
        (None, "no-list", "not at hand"),  # no document of more than 1 MiB is even parsed
        (1_000_001, "unsound-list", "at most"),  # which still leaves 700 MiB of zeros
    ],
)
def test_a_bomb_is_cut_off(
    open_page, browser, delivery, tmp_path, bomb, length, reason, words
) -> None:
    shutil.copytree(delivery, tmp_path / "sound")
    with_a_bomb(delivery, bomb[:length])
    window = open_page()
    window.give(delivery)
    before = memory(browser, "VmRSS")
    assert window.verify() == "incomplete"
    assert memory(browser, "VmHWM") - before < 200_000
    check = {check["id"]: check for check in window.report["checks"]}["status"]
    assert check["detail"]["reason"] == reason
    assert words in check["summary"]
    assert soon(open_page, browser, delivery, sound=tmp_path / "sound")[1] == "incomplete"


def soon(open_page, browser, folder: Path, *, sound: Path) -> tuple:
    """Return a window and its verdict on a folder, given within a second of processor time.

    On a slow machine within three times what a ``sound`` delivery takes there.
    """
    window, verdict, spent = timed(open_page, browser, folder)
    if spent >= 1:
        assert spent < 3 * timed(open_page, browser, sound)[2]
    return window, verdict


def timed(open_page, browser, folder: Path) -> tuple:
    """Return a window, its verdict on a folder, and the processor seconds that took."""
    window = open_page()
    window.give(folder)
    began = seconds(browser)
    verdict = window.verify()
    return window, verdict, seconds(browser) - began


def renderers(browser) -> list[dict]:
    """Return what the browser knows of its processes that show pages."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return [process for process in processes if process["type"] == "renderer"]


def seconds(browser) -> float:
    """Return the processor time of all pages: on a busy machine the clock says little."""
    return sum(process["cpuTime"] for process in renderers(browser))


def memory(browser, member: str) -> int:
    """Return the KB of the largest process that shows pages."""
    sizes = [0]
    for process in renderers(browser):
        status = Path(f"/proc/{process['id']}/status").read_text()
        sizes += [int(line.split()[1]) for line in status.splitlines() if line.startswith(member)]
    return max(sizes)
