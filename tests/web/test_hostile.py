"""What an attacker can put into a delivery, in the page: an answer each, and never markup."""

import gzip
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from blake3 import blake3

from lyrikstore.canon.json import encode
from lyrikstore.canon.limits import MAX_STATUS_LIST_BYTES
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
NO_JSON = [
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
    '{"credentialSubject":{"id":9007199254740993}}',
    '"\\ud800"',
    "1e999",
    "1" * 1_000_000,
    '"' + "\\" * 1_000_000,
    "x" * 2_000_000,
]
NO_CREDENTIAL = [
    '{"__proto__":{"verdict":"trusted"},"constructor":1}',
    '{"__proto__":{"credentialSubject":{"manifest":"x"}},"toString":null}',
    '{"type":["VerifiableCredential"],"credentialSubject":[[]]}',
    f'{{"credentialSubject":{{"quality":{CROWD}}}}}',
    f'{{"credentialSubject":{{"descriptor":{CROWD}}}}}',
    f'{{"credentialSubject":{{"licence":{{"partitions":{CROWD}}}}}}}',
]
HOSTILE = [
    *((text, ("format", "bad-json")) for text in NO_JSON),
    *((text, ("model", "bad-credential")) for text in NO_CREDENTIAL),
]


def refused(window, folder: Path, text: str) -> tuple[str, str]:
    """Return the first check that a credential of this text fails, and why."""
    (folder / "credential.json").write_text(text)
    window.page.set_input_files("#files", folder / "credential.json")
    assert window.verify() == "invalid", text[:40]
    return next(
        (check["id"], check["detail"]["reason"])
        for check in window.report["checks"]
        if check["state"] == "fail"
    )


@EVERY_BROWSER
def test_hostile_credentials_end_in_an_answer(open_page, tmp_path) -> None:
    # What is quadratic in a crowd, or in a million characters, gives none while anybody waits.
    window = open_page()
    for text, answer in HOSTILE:
        assert refused(window, tmp_path, text) == answer, text[:40]
        assert window.page.locator("*").count() < 1000, text[:40]  # of the crowd none is shown


def test_hostile_credentials_take_steps_by_their_length(open_page, tmp_path) -> None:
    """Counted are the blocks of the page's script that ran, whatever the clock says."""
    window = open_page()
    profiler = window.page.context.new_cdp_session(window.page)
    profiler.send("Profiler.enable")
    profiler.send("Profiler.startPreciseCoverage", {"callCount": True, "detailed": True})
    most = 0.0
    for text, _ in HOSTILE:
        if len(text) > 100_000:
            refused(window, tmp_path, text)
            scripts = profiler.send("Profiler.takePreciseCoverage")["result"]  # since the last one
            steps = sum(
                ran["count"]
                for script in scripts
                for function in script["functions"]
                for ran in function["ranges"]
            )
            assert steps < 20 * len(text), text[:40]
            most = max(most, steps / len(text))
    assert most > 1  # strict JSON looks at every sign: had it not been counted, nothing was


@pytest.fixture(scope="module")
def bomb() -> str:
    """Return 1.4 MB of base64url that unpack to one GiB."""
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


COUNT_BYTES = """() => {
  window.asked = 0;
  window.Uint8Array = new Proxy(Uint8Array, {
    construct(type, given, target) {
      if (typeof given[0] === "number") window.asked += given[0];
      return Reflect.construct(type, given, target);
    },
  });
}"""


@EVERY_BROWSER
def test_a_bomb_is_cut_off_everywhere(open_page, delivery, bomb) -> None:
    with_a_bomb(delivery, bomb[:1_000_001])
    window = open_page()
    window.give(delivery)
    assert window.verify() == "incomplete"
    [check] = [check for check in window.report["checks"] if check["id"] == "status"]
    assert check["detail"]["reason"] == "unsound-list"


@pytest.mark.parametrize(
    ("length", "reason", "words", "lists"),
    [
        (None, "no-list", "not at hand", 0),  # no document of more than 1 MiB is even parsed
        (1_000_001, "unsound-list", "at most", 1),  # which still leaves 700 MiB of zeros
    ],
)
def test_a_bomb_is_cut_off(open_page, delivery, bomb, length, reason, words, lists) -> None:
    with_a_bomb(delivery, bomb[:length])
    window = open_page()
    window.page.evaluate(COUNT_BYTES)
    window.give(delivery)
    assert window.verify() == "incomplete"
    # Room for a list of the largest size, its packed form and the text around it.
    assert lists <= window.page.evaluate("window.asked") / MAX_STATUS_LIST_BYTES < lists + 2
    check = {check["id"]: check for check in window.report["checks"]}["status"]
    assert check["detail"]["reason"] == reason
    assert words in check["summary"]
