"""What evaluations, cards and packages publish of fields (spec §13.9.6, attack case A75)."""

from pathlib import Path
from typing import Any

import pytest

from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.evaluation.sliced import slice_records
from tests.conftest import Person
from tests.train.evaluation.conftest import CONFIG, commit, new_firm

pytestmark = pytest.mark.train

SENDERS = [f"{name}@firm.example" for name in ("anna", "ben", "cora", "dan", "eve")]
CLERKS = ["Quillfeather", "Oxenbridge", "Thistlewood"]
NAMED = [*SENDERS, *CLERKS]
SCAN = 'recipe = 1\n[[step]]\nuse = "scan/1"\n'


def mails(part: str, count: int) -> list[dict[str, Any]]:
    """Return mails of few senders and clerks, in two languages."""
    return [
        {
            "text": f"{part} {at} " + ("invoice due payment" if at % 2 else "meeting room lunch"),
            "label": ("bill", "chat")[at % 2 == 0],
            "from": SENDERS[at % 5],
            "clerk": CLERKS[at % 3],
            "source": SENDERS[at % 2],
            "language": "en" if at % 10 else "de",
        }
        for at in range(count)
    ]


def slices_of(body: dict[str, Any]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in body.get("slices", ()):
        found.setdefault(one["field"], {})[one["value"]] = one["count"]
    return found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return a firm with a model of its mails, and an evaluation by a config without slices."""
    person = new_firm(tmp_path_factory.mktemp("office"))
    for part, count in (("train", 60), ("val", 20), ("test", 200)):
        commit(person, f"mails-{part}", mails(part, count), "label")
    (person.folder / "mails.toml").write_text(CONFIG.format(name="mails", label="label"))
    person.ok("train", "mails.toml")
    return person


def test_no_value_of_a_field_that_nobody_named_is_published(office: Person) -> None:
    done = office.ok("evaluate", "checkpoints/firm/mails", "--on", "firm/mails-test", "--json").json
    body = done["body"]
    assert slices_of(body) == {
        "language": {"en": 180, "de": 20},
        "@length": dict.fromkeys(("shortest", "short", "long", "longest"), 50),
    }
    left = [{"field": "source", "reason": "personal-values"}]
    assert body["slicing"] == {"rule": "slices/2", "leftOut": left}
    # The statement, what is attached to it, every rendering of the card, and what is handed on.
    office.ok("card", "checkpoints/firm/mails", "-o", "card.md")
    office.ok("deploy", "checkpoints/firm/mails", "--to", "onnx", "-o", "package")
    repo = Repository.open(office.folder / ".lyrikstore")
    made = [repo.resolve(f"{kind}/firm/mails") for kind in ("evaluations", "cards")]
    published = [one.encode() for one in made]
    published += [repo.blobs.read(each.id, max_bytes=1 << 24) for one in made
                  for each in one.attachments]  # fmt: skip
    published += [one.read_bytes() for one in (office.folder / "package").rglob("*")
                  if one.is_file()]  # fmt: skip
    assert len(published) > 10
    for value in NAMED:
        assert not [data[:80] for data in published if value.encode() in data]
    assert "source (its values look like" in (office.folder / "card.md").read_text()
    assert office.ok("verify", "evaluations/firm/mails", "--json").json["verdict"] == "trusted"
    assert office.ok("verify", "card.md", "--json").json["verdict"] == "trusted"


def test_a_named_field_publishes_what_20_records_have(office: Person) -> None:
    repo = Repository.open(office.folder / ".lyrikstore")
    config = {"data": {"label": "label", "group": "text"}}
    config |= {"evaluation": {"slices": ["clerk", "from"]}}
    found = slice_records(repo, repo.resolve("datasets/firm/mails-test"), config)
    assert {field for field, _ in found.slices} == {"clerk"}
    assert found.slicing["leftOut"] == [{"field": "from", "reason": "personal-values"}]
    assert (found.group, max(found.groups)) == ("text", 199)


def test_what_a_scan_found_makes_no_slices_and_cannot_be_named(office: Person) -> None:
    (office.folder / "scan.toml").write_text(SCAN)
    rename = '[[step]]\nuse = "map/1"\nrename = {clerk = "who"}\n'
    (office.folder / "rename.toml").write_text(f"recipe = 1\n{rename}")
    rows = [{**row, "source": "portal", "clerk": f"Dr. {row['clerk']}"} for row in mails("x", 60)]
    rows = [{**row, "language": "en" if at % 2 else "de"} for at, row in enumerate(rows)]
    commit(office, "raw", rows, "label")
    office.ok("filter", "firm/raw", "--recipe", "scan.toml", "--as", "firm/seen")
    office.ok("filter", "firm/seen", "--recipe", "rename.toml", "--as", "firm/renamed")
    repo = Repository.open(office.folder / ".lyrikstore")
    config = {"data": {"label": "label"}, "evaluation": {"slices": ["who", "language"]}}
    found = slice_records(repo, repo.resolve("datasets/firm/renamed"), config)
    assert {field for field, _ in found.slices} == {"language"}
    assert found.slicing["leftOut"] == [{"field": "who", "reason": "personal-scan"}]
    text = CONFIG.format(name="mails", label="label").replace("mails-test", "renamed")
    named = Path(office.folder / "named.toml")
    named.write_text(text.replace('mails"', 'named"') + '[evaluation]\nslices = ["who"]\n')
    for command in ("train", "plan"):
        assert office.fails(16, command, named, "--json").kind == "personal-slices"


def test_a_plan_writes_the_line(office: Person) -> None:
    for part in ("train", "validation", "test"):
        commit(office, f"parts.{part}", mails(part, 40), "label")
    office.ok("plan", "firm/parts", "--base", "linear", "-o", "parts.toml")
    text = (office.folder / "parts.toml").read_text()
    assert '[evaluation]\nslices = ["language", "source", "@length"]\n' in text
