"""What evaluations, cards and packages publish of fields (spec §13.9.6, attack case A75)."""

from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.objects.pack.format import read_index
from lyrikstore.train.evaluation.slicing import slice_records
from tests.conftest import Person
from tests.train.evaluation.conftest import CONFIG, commit, new_firm

pytestmark = pytest.mark.train

SENDERS = [f"{name}@firm.example" for name in ("anna", "ben", "cora", "dan", "eve")]
CLERKS = ["Quillfeather", "Oxenbridge", "Thistlewood"]
NAMED = [*SENDERS, *CLERKS]
SCAN = 'recipe = 1\n[[step]]\nuse = "scan/1"\n'


def mails(part: str, count: int) -> list[dict[str, Any]]:
    """Return mails of few senders and clerks, mostly in English."""
    return [
        {
            "text": f"{part} {at} " + ("invoice due payment" if at % 2 else "meeting room lunch"),
            "label": ("bill", "chat")[at % 2 == 0],
            "from": SENDERS[at % 5],
            "clerk": CLERKS[at % 3],
            "source": SENDERS[at % 2],
            "language": {0: "de", 5: "de", 1: "nl", 11: "da"}.get(at % 20, "en"),
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
        "language": {"en": 160, "de": 20, "@others": 20},
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
    card = (office.folder / "card.md").read_text()
    assert "source (its values look like" in card
    assert "language: others" in card
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
    usual = {"data": {"label": "label"}}
    found = slice_records(repo, repo.resolve("datasets/firm/renamed"), usual)
    assert {field for field, _ in found.slices} == {"language"}
    text = CONFIG.format(name="mails", label="label").replace("mails-test", "renamed")
    named = Path(office.folder / "named.toml")
    named.write_text(text.replace('mails"', 'named"') + '[evaluation]\nslices = ["who"]\n')
    for command in ("train", "plan"):
        assert office.fails(16, command, named, "--json").kind == "personal-slices"
    # Where nobody can tell any more what was found, it may be in every field.
    commit(office, "raw", rows[:40], "label")
    office.ok("filter", "firm/raw", "--recipe", "scan.toml", "--as", "firm/seen")
    office.ok("gc", "--keep", "1", "firm/seen")
    repo.refresh()
    found = slice_records(repo, repo.resolve("datasets/firm/renamed"), usual)
    left = [(one["field"], one["reason"]) for one in found.slicing["leftOut"]]
    assert left[:2] == [("language", "personal-scan"), ("source", "personal-scan")]
    assert not found.slices


def test_a_plan_writes_the_line(office: Person) -> None:
    for part in ("train", "validation", "test"):
        commit(office, f"parts.{part}", mails(part, 40), "label")
    office.ok("plan", "firm/parts", "--base", "linear", "-o", "parts.toml")
    text = (office.folder / "parts.toml").read_text()
    assert '[evaluation]\nslices = ["language", "source", "@length"]\n' in text


def test_what_was_published_goes_and_is_called_retired(office: Person) -> None:
    # ATTACK A76: what an evaluation and its cards published stays in packs for ever.
    text = CONFIG.format(name="named", label="label").replace("firm/named-", "firm/mails-")
    (office.folder / "named.toml").write_text(f'{text}[evaluation]\nslices = ["clerk"]\n')
    (office.folder / "later.toml").write_text(text)
    repo = Repository.open(office.folder / ".lyrikstore")
    old = []
    for config in ("named.toml", "later.toml"):
        office.ok("train", config)
        office.ok("evaluate", "checkpoints/firm/named", "--on", "firm/mails-test")
        office.ok("card", "checkpoints/firm/named", "-o", f"{config}.md")
        repo.refresh()
        old.append([repo.resolve(f"{kind}/firm/named") for kind in ("evaluations", "cards")])
    (evaluation, card), later = old
    gone = {item.id for one in (evaluation, card) for item in one.attachments}
    gone -= {item.id for one in later for item in one.attachments}  # the profile of both cards
    held = [repo.blobs.read(one, max_bytes=1 << 24) for one in gone]
    assert sum(CLERKS[0].encode() in data for data in held) >= 4  # predictions, renderings
    for name in ("evaluations/firm/named", "cards/firm/named"):
        done = office.ok("gc", "--keep", "1", "--purge", name, "--json").json
        named = [one["id"] for one in done["stillHeldBy"] if one["kind"] == "card"]
        assert named == ([str(card.id)] if name.startswith("evaluations") else [])
        assert done["purged"]["stillReadable"][0] == "bodies of manifests"
    repo.refresh()
    # What is left of a name is in data that was not retired, and in bodies of manifests.
    packs = [read_index(repo.backend, pack).digests for pack in repo.live.packs]
    ids = [Digest(some[at : at + 32]) for some in packs for at in range(0, len(some), 32)]
    assert gone.isdisjoint(ids)
    blobs = {one: repo.blobs.read(one, max_bytes=1 << 24) for one in ids}
    bodies = {one.id for _, one in repo.all_manifests()}
    data = {one.blake3 for _, each in repo.all_manifests() if each.kind == "dataset"
            for one in repo.tree(each).entries}  # fmt: skip
    assert {one for one, held in blobs.items() if CLERKS[0].encode() in held} <= bodies | data
    assert CLERKS[0].encode() in blobs[evaluation.id]
    # Everybody is told why, and nothing of it is called lost or damaged.
    assert (
        office.fails(5, "evaluate", str(evaluation.id), "--html", "old.html", "--json").kind
        == "retired"
    )
    for target, check, code, verdict in (
        ([], "manifests", 0, "trusted"),
        ([], "card.sources", 0, "trusted"),
        ([str(evaluation.id)], "evaluation.recomputed", 4, "valid"),
    ):
        done = office.run("verify", *target, "--json")
        found = {one["id"]: one for one in done.json["checks"]}[check]
        assert (found["state"], found["detail"]["reason"]) == ("warn", "retired")
        assert (done.code, done.json["verdict"]) == (code, verdict)
    report = office.fails(5, "verify", "named.toml.md", "--json").json
    found = {one["id"]: (one["state"], one["detail"].get("reason")) for one in report["checks"]}
    assert found["card.sources"] == ("unchecked", "retired")
    assert found["card.current"] == ("warn", "noted")
    assert "fail" not in {state for state, _ in found.values()}
    assert office.ok("verify", "later.toml.md", "--json").json["verdict"] == "trusted"
    # A card that is made later says that there was another, and nothing of what it found.
    office.ok("evaluate", "checkpoints/firm/named", "--on", "firm/mails-test")
    office.ok("gc", "--keep", "1", "evaluations/firm/named")
    office.ok("card", "checkpoints/firm/named", "-o", "again.md")
    card_text = (office.folder / "again.md").read_text()
    assert f"({later[0].id.short}) was retired" in card_text
    assert office.ok("verify", "again.md", "--json").json["verdict"] == "trusted"
