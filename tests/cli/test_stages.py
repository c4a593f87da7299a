"""Further stages: merged, trained on from, generated with; the first data is never forgotten."""

import pytest

from lyrikstore.review.folder import open_folder
from lyrikstore.verify.review.model import DecisionFile, RecordDecision, encoded
from tests.cli.small_runs import (
    BASE,
    configure,
    entries,
    leftovers,
    parts,
    refused,
    rows,
    supply,
    supply_base,
)
from tests.conftest import Person

pytestmark = pytest.mark.train
WHOLE = "checkpoints/acme/whole"
PARTS = ("train", "validation")


def by_command(*more: str, data: str = "acme/later.train") -> tuple[str, ...]:
    """Return a run by a program of the caller's; what it has in common with one of ours."""
    asked = ("train", "--input", data, "--as", "acme/other", *more, "--json")
    return (*asked, "--", "sh", "-c", ": < {input}/rows.jsonl; echo x > {output}/notes.txt")


def refused_command(person: Person, *more: str, **asked: str) -> str:
    """Run what has to be refused, and not be logged; return the kind."""
    before = entries(person)
    kind = person.fails(14, *by_command(*more, **asked)).kind
    assert (entries(person), leftovers(person)) == (before, [])
    return kind


def later() -> dict[str, list[dict[str, object]]]:
    """Return rows that the first ones are not among, but one of the test set."""
    return {
        "train": rows(24, seed=4),
        "validation": rows(8, seed=5),
        "test": [*rows(7, seed=6), parts()["train"][0]],
    }


@pytest.fixture
def acme(new_person) -> Person:
    """Somebody with an adapter that was trained on some data, and with other data."""
    made = new_person("acme")
    made.ok("key", "new", "--no-passphrase")
    made.ok("init", "--origin", "acme.example/models")
    supply(made, "small", parts())
    supply(made, "later", later())
    made.ok("commit", supply_base(made), "-d", BASE)
    made.ok("train", configure(made, "small", base=BASE, candidates=["lora"]))
    return made


def reviewed(person: Person, name: str) -> None:
    """Have the person accept all records of a dataset; filter it as acme/reviewed."""
    asked = ("review", "new", name, "--reviewer", person.did(), "-o", "queue", "--json")
    (handed,) = person.ok(*asked).json["handedOut"]
    folder = person.folder / handed["path"]
    opened = open_folder(folder)
    made = [RecordDecision(one.item, "accept", 4000) for one in opened.folder.items]
    made.sort(key=lambda one: one.item)
    file = DecisionFile("lyrikstore-decisions/1", str(opened.queue.id), person.did(), tuple(made))
    (folder / "decisions.json").write_bytes(encoded(file))
    person.ok("review", "sign", folder, "-o", "signed.json")
    person.ok("review", "import", "signed.json")
    (person.folder / "reviewed.toml").write_text(
        f'recipe = 1\n[[step]]\nuse = "reviewed/1"\nreview = "reviews/{name}"\n'
        'unreviewed = "drop"\n'
    )
    person.ok("filter", name, "--recipe", "reviewed.toml", "--as", "acme/reviewed")


def labels(person: Person, model: str) -> list[str]:
    place = person.folder / "later-test" / "rows.jsonl"
    found = person.ok("predict", model, place, "--json").json
    return [one["answer"] for one in found["predictions"]]


def affected(person: Person, ref: str) -> set[str]:
    return {one["name"] for one in person.ok("impact", ref, "--json").json["affected"]}


def test_an_adapter_is_merged_and_trained_on_from(acme) -> None:
    # An adapter alone is no base: the next step is told.
    early = configure(acme, "later", base="checkpoints/acme/small", candidates=["full"])
    assert refused(acme, 16, "train", early).kind == "not-a-model"
    merged = acme.ok("checkpoint", "merge", "checkpoints/acme/small", "--as", WHOLE, "--json").json
    assert float(merged["largestMove"]) < 1e-5
    manifest = acme.ok("show", WHOLE, "--json").json["manifest"]
    body = manifest["body"]
    assert (body["origin"], body["format"]) == ("derived", "encoder/1")
    assert body["operation"] == {"use": "merge-adapters/1"}
    assert [one["role"] for one in manifest["inputs"]][:3] == ["source", "run", "base"]
    assert acme.ok("verify", WHOLE, "--json").json["verdict"] == "trusted"
    assert labels(acme, WHOLE) == labels(acme, "checkpoints/acme/small")
    acme.ok("evaluate", WHOLE, "--on", "acme/small.test")
    assert refused(acme, 16, "checkpoint", "merge", WHOLE, "--as", BASE).kind == "no-adapter"
    config = configure(acme, "later", base=WHOLE, candidates=["lora"])
    made = acme.ok("train", config, "--json").json
    assert acme.ok("verify", made["name"], "--json").json["verdict"] == "trusted"
    assert len(labels(acme, made["name"])) == 8
    # The base learned from one of the records: the model has seen it (A124).
    seen = acme.ok("evaluate", made["name"], "--on", "acme/later.test", "--json").json
    overlap = seen["body"]["overlap"]
    assert (overlap["exact"], overlap["near"]["count"]) == (1, 1)
    assert acme.ok("verify", seen["name"], "--json").json["verdict"] == "trusted"
    graph = {one["name"] for one in acme.ok("lineage", made["name"], "--json").json["nodes"]}
    assert {"datasets/acme/small.train", "datasets/acme/later.train", BASE, WHOLE} <= graph
    assert made["name"] in affected(acme, "acme/small.train")
    card = acme.ok("card", made["name"], "--json").json
    named = acme.ok("show", card["name"], "--json").json["manifest"]["inputs"]
    roles = {
        acme.ok("show", one["id"], "--json").json["manifest"]["name"]
        for one in named
        if one["kind"] == "dataset"
    }
    assert {"datasets/acme/small.train", "datasets/acme/later.train"} <= roles
    assert acme.ok("reproduce", made["name"], "--json").json["body"]["verdict"] == "match"
    # What is recorded, handed on and named covers the data of the base.
    body = acme.ok("show", "runs/acme/later", "--json").json["manifest"]["body"]
    learned = {f"datasets/acme/{name}.{part}" for name in ("small", "later") for part in PARTS}
    ids = {acme.ok("show", name, "--json").json["id"] for name in learned}
    assert {one["dataset"] for one in body["rights"]} == ids
    deploy = ("deploy", made["name"], "--to", "hf", "-o", "out", "--with-values", "--json")
    out = acme.ok(*deploy).json
    assert set(out["handingOnNotPermitted"]) == learned
    evidence = {path.name for path in (acme.folder / "out" / "lyrikstore").iterdir()}
    relied = {one["credential"].removeprefix("blake3:")[:12] for one in body["rights"]}
    assert {f"credential-{one}.json" for one in relied} <= evidence
    assert BASE in (acme.folder / "out" / "NOTICE").read_text()
    assert leftovers(acme) == []


def test_the_licence_of_data_stays_with_what_is_trained_on_from(acme) -> None:
    """ATTACK A106: research data is washed off by a merge, and commercial training on from it."""
    for part in PARTS:
        permit = ("permit", f"acme/small.{part}", "--permit", "train,evaluate,research")
        acme.ok(*permit, "--prohibit", "commercialUse")
        acme.ok("permit", f"acme/later.{part}", "--permit", "train,evaluate,commercialUse")
    acme.ok("checkpoint", "merge", "checkpoints/acme/small", "--as", WHOLE)
    config = configure(acme, "later", base=WHOLE, candidates=["lora"])
    text = (acme.folder / config).read_text()
    (acme.folder / config).write_text(text.replace('"train"\n', '"commercialUse"\n', 1))
    error = refused(acme, 14, "train", config).error
    assert error["kind"] == "rights-missing"
    missing = {one["name"]: (one["through"], one["code"]) for one in error["details"]["missing"]}
    assert missing == {f"datasets/acme/small.{part}": (WHOLE, "prohibited") for part in PARTS}
    warned = acme.ok("plan", config, "--json").json["warnings"]
    assert "rights-missing" in {one["reason"] for one in warned}
    assert refused(acme, 14, "plan", config, "--measure").kind == "rights-missing"
    assert refused_command(acme, "--base", WHOLE, "--purpose", "commercialUse") == "rights-missing"
    asked = acme.run("terms", WHOLE, "--purpose", "commercialUse", "--json")
    assert (asked.code, asked.json["use"]["answer"]) == (14, "prohibited")
    assert asked.json["models"] == [
        {
            "name": BASE,
            "id": acme.ok("show", BASE, "--json").json["id"],
            "asserted": None,
        }
    ]
    # For what the data of both permits, it goes on.
    acme.ok(*by_command("--base", WHOLE))
    other = acme.run("terms", "checkpoints/acme/other", "--purpose", "train", "--json")
    through = {one["name"]: one["through"] for one in other.json["sources"]}
    assert (other.code, through["datasets/acme/small.train"]) == (0, WHOLE)


def test_what_the_base_learned_from_tests_nothing(acme) -> None:
    acme.ok("checkpoint", "merge", "checkpoints/acme/small", "--as", WHOLE)
    data = {"train": "later.train", "validation": "later.validation", "test": "small.train"}
    text = (acme.folder / configure(acme, "later", base=WHOLE, candidates=["lora"])).read_text()
    for part, name in data.items():
        text = text.replace(f'{part} = "acme/later.{part}"', f'{part} = "acme/{name}"')
    (acme.folder / "known.toml").write_text(text)
    assert refused(acme, 14, "train", "known.toml").kind == "test-is-train"
    assert refused_command(acme, "--base", WHOLE, "--test", "acme/small.train") == "test-is-train"


def test_a_revoked_right_follows_what_was_trained_on(acme) -> None:
    acme.ok("checkpoint", "merge", "checkpoints/acme/small", "--as", WHOLE)
    config = configure(acme, "later", base=WHOLE, candidates=["lora"])
    made = acme.ok("train", config, "--json").json
    run = acme.ok("show", "runs/acme/small", "--json").json["manifest"]["body"]
    right = run["rights"][0]["credential"]
    acme.ok(*by_command("--base", WHOLE))
    acme.ok("credential", "revoke", right)
    for name in (WHOLE, made["name"]):
        report = acme.run("verify", name, "--json")
        rights = next(one for one in report.json["checks"] if one["id"] == "rights")
        assert (report.code, rights["detail"]["reason"]) == (4, "taken-back-later")
    assert refused(acme, 14, "train", config).kind == "rights-missing"
    assert refused_command(acme, "--base", WHOLE) == "rights-missing"
    assert refused(acme, 14, "reproduce", made["name"]).kind == "rights-missing"
    assert made["name"] in affected(acme, right)


def test_what_a_model_wrote_rests_on_what_it_learned_from(acme) -> None:
    data = acme.folder / "written.jsonl"
    data.write_text((acme.folder / "later-train" / "rows.jsonl").read_text())
    (acme.folder / "prompt.txt").write_text("Write a sentence about {label}.")
    commit = ("commit", data, "-d", "acme/written", "--text", "text", "--label", "label")
    acme.ok(*commit)
    by = ("--generated-by", "checkpoints/acme/small")
    terms = ("--output-terms", "https://acme.example/terms", "--output-trains", "yes")
    # The same files, said to be a model's, are another version.
    made = acme.ok(*commit, *by, "--prompts", "prompt.txt", *terms, "--json").json
    assert made["changed"]
    manifest = acme.ok("show", "acme/written", "--json").json["manifest"]
    (generator,) = manifest["body"]["generators"]
    (prompt,) = (one for one in manifest["attachments"] if one["role"] == "prompt")
    assert manifest["body"]["origin"] == "generated"
    assert (generator["name"], generator["prompt"]) == ("checkpoints/acme/small", prompt["id"])
    assert generator["outputTerms"] == {
        "ref": "https://acme.example/terms",
        "permitsTraining": "yes",
    }
    assert [one["role"] for one in manifest["inputs"]] == ["generator"]
    assert not acme.ok(*commit, *by, "--prompts", "prompt.txt", *terms, "--json").json["changed"]
    acme.ok("permit", "acme/written", "--permit", "train,evaluate,modify")
    named = {one["name"] for one in acme.ok("terms", "acme/written", "--json").json["sources"]}
    assert {"datasets/acme/written", "datasets/acme/small.train"} <= named
    text = (acme.folder / configure(acme, "later", candidates=["tfidf"])).read_text()
    (acme.folder / "on.toml").write_text(text.replace("acme/later.train", "acme/written"))
    # ATTACK A230: what a model wrote, and nobody reviewed, among the training data.
    assert refused(acme, 14, "train", "on.toml").kind == "unreviewed-candidates"
    warned = acme.ok("plan", "on.toml", "--json").json["warnings"]
    assert "unreviewed-candidates" in {one["reason"] for one in warned}
    assert refused_command(acme, data="acme/written") == "unreviewed-candidates"
    reviewed(acme, "acme/written")
    (acme.folder / "on.toml").write_text(text.replace("acme/later.train", "acme/reviewed"))
    model = acme.ok("train", "on.toml", "--json").json["name"]
    assert acme.ok("verify", model, "--json").json["verdict"] == "trusted"
    run = acme.ok("show", "runs/acme/small", "--json").json["manifest"]["body"]
    right = run["rights"][0]["credential"]
    assert {"datasets/acme/written", model} <= affected(acme, right)
    acme.ok("credential", "revoke", right)
    report = acme.run("verify", model, "--json")
    rights = next(one for one in report.json["checks"] if one["id"] == "rights")
    assert (report.code, rights["detail"]["reason"]) == (4, "taken-back-later")
    assert refused(acme, 14, "train", "on.toml").kind == "rights-missing"
    assert refused_command(acme, data="acme/reviewed") == "rights-missing"
    assert refused(acme, 14, "reproduce", model).kind == "rights-missing"


def test_what_is_said_of_a_generator_has_to_hold(acme) -> None:
    data = acme.folder / "written.jsonl"
    data.write_text((acme.folder / "later-train" / "rows.jsonl").read_text())
    (acme.folder / "prompt.txt").write_text("Write a sentence.")
    (acme.folder / "empty.txt").write_text("")
    commit = ("commit", data, "-d", "acme/written", "--text", "text", "--label", "label")
    by = (*commit, "--generated-by", "checkpoints/acme/small")
    acme.fails(2, *by)
    acme.fails(2, *commit, "--prompts", "prompt.txt")
    assert refused(acme, 16, *by, "--prompts", "empty.txt").kind == "bad-prompts"
    dataset = (*commit, "--generated-by", "acme/small.train", "--prompts", "prompt.txt")
    assert refused(acme, 16, *dataset).kind == "bad-generator"
    text = (acme.folder / configure(acme, "later", candidates=["tfidf"])).read_text()
    (acme.folder / "on.toml").write_text(text.replace("acme/later.train", "acme/written"))
    for said in ((), ("--output-trains", "no")):  # ATTACK A232: nobody read the terms
        acme.ok(*by, "--prompts", "prompt.txt", *said)
        acme.ok("permit", "acme/written", "--permit", "train,evaluate")
        assert refused(acme, 14, "train", "on.toml").kind == "output-terms"
        assert refused_command(acme, data="acme/written") == "output-terms"
