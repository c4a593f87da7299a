"""The page in a real browser: the four verdicts, hostile text, no network, keyboard, looks."""

import json

import pytest

pytestmark = [pytest.mark.web, pytest.mark.xdist_group("browser")]


@pytest.fixture
def delivery(publisher, corpus):
    documents, sheet = corpus.write(publisher.folder)
    publisher.ok("commit", documents, "-d", "acme/docs", "--metadata", sheet)
    folder = publisher.folder / "delivery"
    publisher.ok(
        *("issue", "acme/docs", "-o", folder, "--permit", "train", "--issuer-name", "Acme"),
        *("--status-url", "https://data.example/status"),
    )
    return folder


@pytest.fixture
def did(publisher):
    return publisher.ok("key", "show", "--json").json["keys"][0]["did"]


def same_as_the_command_line(window, publisher, delivery, *more):
    """Whatever the page answers, the command line answers, check by check."""
    ours = publisher.run("verify", delivery, "--data", delivery / "data", "--json", *more).json
    page = window.report
    for check, other in zip(page["checks"], ours["checks"], strict=True):
        if check["id"] in {"log.memory", "trust.issuer", "log.anchor"}:
            continue  # the page keeps no memory; trust was given in another way
        assert (check["id"], check["state"], check["summary"]) == (
            other["id"],
            other["state"],
            other["summary"],
        )
    assert page["subject"] == ours["subject"]


def test_the_four_verdicts(open_page, publisher, delivery, did) -> None:
    window = open_page()
    window.give(delivery)
    assert window.verify() == "valid"
    assert "does not know the issuer" in window.page.text_content("#verdict")
    window.shot("verdict-valid")

    window.page.fill("#did", did)
    assert window.verify() == "trusted"
    same_as_the_command_line(window, publisher, delivery)
    window.shot("verdict-trusted")
    assert window.page.locator("#shards tr").count() == len(list((delivery / "data").iterdir()))

    first = min((delivery / "data").iterdir())
    content = first.read_bytes()
    first.unlink()
    window = open_page()
    window.page.fill("#did", did)
    window.give(delivery)
    assert window.verify() == "incomplete"
    window.shot("verdict-incomplete")
    same_as_the_command_line(window, publisher, delivery)

    first.write_bytes(content[:-1] + b"!")
    window = open_page()
    window.page.fill("#did", did)
    window.give(delivery)
    assert window.verify() == "invalid"
    same_as_the_command_line(window, publisher, delivery)
    row = window.page.locator(f"#shards tr[data-path='{first.name}']")
    assert "differs" in row.text_content()
    window.shot("verdict-invalid")


def test_a_trust_file_counts_as_on_the_command_line(open_page, publisher, delivery, did) -> None:
    publisher.ok("trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    window = open_page()
    window.page.set_input_files("#trust", publisher.home / ".config" / "lyrikstore" / "trust.toml")
    window.give(delivery)
    assert window.verify() == "trusted"
    checks = {check["id"]: check for check in window.report["checks"]}
    ours = publisher.ok("verify", delivery, "--data", delivery / "data", "--json").json["checks"]
    for check in ours:
        if check["id"] != "log.memory":
            assert checks[check["id"]]["summary"] == check["summary"]


def test_revoked(open_page, publisher, delivery, did) -> None:
    publisher.ok("revoke", delivery, "-o", publisher.folder / "public")
    newer = publisher.folder / "public" / "revocation-1.json"
    (delivery / "status-revocation-1.json").write_bytes(newer.read_bytes())
    window = open_page()
    window.page.fill("#did", did)
    window.give(delivery)
    assert window.verify() == "invalid"
    assert window.page.get_attribute("[data-check=status]", "data-state") == "fail"


SCRIPT = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def test_nothing_a_document_says_becomes_markup(open_page, delivery) -> None:
    credential = json.loads((delivery / "credential.json").read_text())

    def poison(value):
        if isinstance(value, dict):
            return {
                name: item
                if name in {"type", "@context", "id", "cryptosuite", "validFrom", "validUntil"}
                else poison(item)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [poison(item) for item in value]
        return SCRIPT if isinstance(value, str) else value

    (delivery / "credential.json").write_text(json.dumps(poison(credential)))
    window = open_page()
    window.give(delivery)
    assert window.verify() == "invalid"
    assert window.page.title().startswith("Verify")
    assert window.page.locator("#answer img, #answer script").count() == 0
    assert "<img src=x" in window.page.text_content("#claims")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "\ufeff{}",
        '{"a":1,"a":2}',
        "{" * 20_000,
        "[" * 20_000 + "]" * 20_000,
        '{"__proto__":{"verdict":"trusted"},"constructor":1}',
        '{"credentialSubject":{"id":9007199254740993}}',
        '"\\ud800"',
        "1e999",
        "x" * 2_000_000,
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_hostile_credentials_end_in_an_answer(open_page, tmp_path, text) -> None:
    (tmp_path / "credential.json").write_text(text)
    window = open_page()
    window.give(tmp_path)
    assert window.verify() == "invalid"
    assert window.report["checks"][0]["state"] in {"fail", "pass"}


def test_the_page_cannot_use_the_network(open_page) -> None:
    window = open_page()
    violated = window.page.evaluate(
        """async () => {
          const seen = [];
          document.addEventListener(
            "securitypolicyviolation", (event) => seen.push(event.violatedDirective));
          await fetch("https://example.org/").catch(() => undefined);
          const image = new Image();
          image.src = "https://example.org/x.png";
          await new Promise((resolve) => setTimeout(resolve, 300));
          return seen;
        }"""
    )
    assert "connect-src" in violated
    assert "img-src" in violated
    # The browser tells of what it blocked as a request, and on the console.
    window.requests.clear()
    window.complaints.clear()


def test_by_keyboard_alone(open_page, delivery, did) -> None:
    window = open_page()
    window.give(delivery)
    page = window.page
    page.locator("#folder").focus()
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
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#checks details[open]").count() == 1


@pytest.mark.parametrize("width", [375, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_the_screen(open_page, delivery, width, scheme) -> None:
    window = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    window.give(delivery)
    window.verify()
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width
    assert len(window.page.screenshot(full_page=True)) > 10_000
