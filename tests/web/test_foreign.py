"""What others issued, and what a holder presents, in the page: profile `w3c` in a real browser."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.json import encode
from lyrikstore.testing.keys import signer_for
from lyrikstore.w3c.proofs.proof_set import add_proof

pytestmark = [pytest.mark.web]
VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors" / "verdicts"


def vectors(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


def same_checks(window, publisher, path, *more) -> None:
    ours = publisher.run("verify", path, "--json", *more).json
    shown = [(check["id"], check["state"], check["spec"]) for check in window.report["checks"]]
    assert shown == [(check["id"], check["state"], check["spec"]) for check in ours["checks"]]
    assert window.report["verdict"] == ours["verdict"]
    assert window.report["profile"] == ours["profile"] == "w3c"


@pytest.mark.parametrize("suite", ["eddsa-jcs-2022", "eddsa-rdfc-2022"])
def test_a_credential_of_somebody_else(open_page, publisher, tmp_path, suite) -> None:
    signer = signer_for("university")
    now = datetime.now(UTC)
    document = {
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://www.w3.org/ns/credentials/examples/v2",
        ],
        "type": ["VerifiableCredential", "ExampleAlumniCredential"],
        "issuer": signer.did,
        "validFrom": "2020-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:x", "alumniOf": "Zürich <b>"},
    }
    path = tmp_path / "alumni.json"
    path.write_bytes(encode(add_proof(document, signer, suite=suite, created=now)))
    window = open_page()
    window.page.set_input_files("#files", path)
    assert window.verify() == "valid"
    same_checks(window, publisher, path)
    assert "profile w3c" in window.page.text_content("#claims")
    window.page.fill("#did", signer.did)
    assert window.verify() == "trusted"
    window.page.click("#clear")
    path.write_bytes(path.read_bytes().replace(b"<b>", b"<i>"))
    window.page.set_input_files("#files", path)
    assert window.verify() == "invalid"


def test_a_presentation(open_page, publisher, tmp_path) -> None:
    base = vectors("presented")["base"]
    path = tmp_path / "presentation.json"
    path.write_text(base["target"], "utf-8")
    (tmp_path / "trust.toml").write_text(base["trust"], "utf-8")
    window = open_page()
    window.page.set_input_files("#files", path)
    window.page.set_input_files("#trust", tmp_path / "trust.toml")
    window.at(base["at"])
    assert window.verify() == "incomplete"  # a grant that is shown to nobody in particular
    window.page.click("text=Judge for another moment")
    window.page.fill("#challenge", base["challenge"])
    window.page.fill("#domain", base["domain"])
    assert window.verify() == "trusted"
    more = ("--trust", tmp_path / "trust.toml", "--at", base["at"])
    asked = ("--challenge", base["challenge"], "--domain", base["domain"])
    same_checks(window, publisher, path, *more, *asked)
    assert window.page.locator("[data-part]").count() == len(window.report["parts"])


def test_a_grant_among_other_files(open_page, tmp_path) -> None:
    base = vectors("grants")["base"]
    files = {"grant.json": base["target"], "trust.toml": base["trust"], **base["files"]}
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    window = open_page()
    window.page.set_input_files(
        "#files", [tmp_path / name for name in files if name != "trust.toml"]
    )
    window.page.set_input_files("#trust", tmp_path / "trust.toml")
    window.at(base["at"])
    window.page.select_option("#target", "grant.json")
    assert window.verify() == "trusted"
    checks = {check["id"]: check["state"] for check in window.report["checks"]}
    assert checks["grant.terms"] == "pass"


def test_no_grant_stands_for_the_credential_of_a_delivery(open_page, tmp_path) -> None:
    folder = tmp_path / "handed"
    (folder / "data").mkdir(parents=True)
    (folder / "credential.json").write_text(vectors("grants")["base"]["target"], "utf-8")
    (folder / "data" / "a.txt").write_text("something else")
    window = open_page()
    window.page.set_input_files("#folder", folder)
    window.page.click("#verify")
    window.page.wait_for_selector("#progress:has-text('no dataset credential')")
    assert window.page.is_hidden("#answer")
