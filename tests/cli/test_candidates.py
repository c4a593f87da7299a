"""What a model is unsure of is queued, reviewed and trained on; what programs outside wrote."""

import gzip
import json
from collections.abc import Callable

import pytest

from lyrikstore.review.folder import open_folder
from lyrikstore.verify.review.model import DecisionFile, FolderItem, RecordDecision, encoded
from tests.cli.small_runs import Row, configure, lines, refused, rows, supply
from tests.people import Person
from tests.shared_data import DATA, needs_data

MODEL = "checkpoints/acme/small"
FEW = 6
GENERATOR = """name = "writer"
version = "2026-11"
provider = "Writers"
prompts = "prompts.txt"
terms = "https://writers.example/terms"
permits_training = "yes"
[parameters]
temperature = 0.7
top_k = 5
"""


@pytest.fixture
def acme(new_person: Callable[[str], Person]) -> Person:
    made = new_person("acme")
    made.ok("key", "new", "--no-passphrase")
    made.ok("init", "--origin", "acme.example/models")
    return made


def banking(part: str, each: int) -> list[Row]:
    """Return some rows of each of a few labels of banking77."""
    taken: dict[str, list[Row]] = {}
    with gzip.open(DATA / "banking77" / f"{part}.jsonl.gz", "rt") as file:
        for line in file:
            row = json.loads(line)
            some = taken.setdefault(row["label"], [])
            if len(some) < each and len(taken) <= FEW:
                some.append(row)
    return [row for _, some in sorted(taken.items()) for row in some]


def decide(person: Person, name: str, right: Callable[[FolderItem], str]) -> None:
    """Have the person decide about all records of a dataset; filter it as acme/reviewed."""
    asked = ("review", "new", name, "--reviewer", person.did(), "-o", "queue", "--json")
    (handed,) = person.ok(*asked).json["handedOut"]
    folder = person.folder / handed["path"]
    opened = open_folder(folder)
    made = []
    for one in sorted(opened.folder.items, key=lambda item: item.item):
        label = right(one)
        if one.candidate == (label,):
            made.append(RecordDecision(one.item, "accept", 4000))
        else:
            made.append(RecordDecision(one.item, "change", 4000, value=(label,)))
    file = DecisionFile("lyrikstore-decisions/1", str(opened.queue.id), person.did(), tuple(made))
    (folder / "decisions.json").write_bytes(encoded(file))
    person.ok("review", "sign", folder, "-o", "signed.json")
    person.ok("review", "import", "signed.json")
    (person.folder / "reviewed.toml").write_text(
        f'recipe = 1\n[[step]]\nuse = "reviewed/1"\nreview = "reviews/{name}"\n'
        'unreviewed = "drop"\n'
    )
    person.ok("filter", name, "--recipe", "reviewed.toml", "--as", "acme/reviewed")


@needs_data
@pytest.mark.train
def test_from_unsure_answers_to_a_better_model(acme: Person) -> None:
    train = banking("train", 40)
    supply(
        acme,
        "small",
        {
            "train": [row for n, row in enumerate(train) if n % 40 < 2],
            "validation": banking("val", 6),
            "test": banking("test", 8),
        },
    )
    pool = [row for n, row in enumerate(train) if n % 40 >= 2]
    labels = {row["text"]: row["label"] for row in pool}
    unlabelled = [{"id": row["id"], "text": row["text"]} for row in pool]
    (acme.folder / "pool.jsonl").write_text(lines(unlabelled))
    config = configure(acme, "small", candidates=["tfidf"])
    acme.ok("train", config)
    queue = ("predict", MODEL, "pool.jsonl", "--queue", "below", "0.8", "--as", "acme/unsure")
    said = ("--output-trains", "yes", "--json")
    dry = acme.ok(*queue, *said, "-n").json["queued"]
    made = acme.ok(*queue, *said).json["queued"]
    assert (dry["id"], dry["queuedRecords"], made["name"]) == (
        None,
        made["queuedRecords"],
        "datasets/acme/unsure",
    )
    assert 20 < made["queuedRecords"] <= len(pool)
    manifest = acme.ok("show", "acme/unsure", "--json").json["manifest"]
    (generator,) = manifest["body"]["generators"]
    assert (manifest["body"]["origin"], generator["name"]) == ("generated", MODEL)
    # Whatever the model answered, a reviewer can give each of its labels.
    (acme.folder / "one.jsonl").write_text(lines(unlabelled[:1]))
    one = ("predict", MODEL, "one.jsonl", "--queue", "below", "1", "--as", "acme/one")
    acme.ok(*one, *said)
    asked = ("review", "new", "acme/one", "--reviewer", acme.did(), "-o", "one", "--json")
    (handed,) = acme.ok(*asked).json["handedOut"]
    offered = open_folder(acme.folder / handed["path"]).folder.questions.labels
    assert set(offered) == set(labels.values())
    acme.ok("permit", "acme/unsure", "--permit", "train,evaluate,modify")
    text = (acme.folder / config).read_text()

    def trained_on(name: str) -> str:
        train = f'train = ["acme/small.train", "{name}"]'
        (acme.folder / "more.toml").write_text(
            text.replace('train = "acme/small.train"', train).replace(MODEL, f"{MODEL}er")
        )
        return "more.toml"

    assert refused(acme, 14, "train", trained_on("acme/unsure")).kind == "unreviewed-candidates"
    decide(acme, "acme/unsure", lambda one: labels[one.fields["text"]])
    acme.ok("train", trained_on("acme/reviewed"))
    accuracy = []
    for one in (MODEL, f"{MODEL}er"):
        body = acme.ok("evaluate", one, "--on", "acme/small.test", "--json").json["body"]
        accuracy.append(float(body["model"]["accuracy"]["value"]))
    assert accuracy[1] > accuracy[0]
    assert acme.ok("verify", f"{MODEL}er", "--json").json["verdict"] == "trusted"


def test_what_a_program_outside_wrote(acme: Person) -> None:
    (acme.folder / "rows.jsonl").write_text(lines(rows(6)))
    (acme.folder / "prompts.txt").write_text("Write a clause about {label}.")
    (acme.folder / "g.toml").write_text(GENERATOR)
    commit = ("commit", "rows.jsonl", "-d", "acme/written", "--text", "text", "--label", "label")
    by = (*commit, "--generated-by", "g.toml")
    acme.ok(*by)
    manifest = acme.ok("show", "acme/written", "--json").json["manifest"]
    (prompt,) = (one for one in manifest["attachments"] if one["role"] == "prompt")
    assert manifest["body"]["generators"] == [
        {
            "name": "writer",
            "version": "2026-11",
            "provider": "Writers",
            "params": {"temperature": "0.7", "top_k": 5},
            "prompt": prompt["id"],
            "outputTerms": {"ref": "https://writers.example/terms", "permitsTraining": "yes"},
        }
    ]
    assert not acme.ok(*by, "--json").json["changed"]
    acme.fails(2, *by, "--output-trains", "yes")
    for change in (
        ("provider", "maker"),
        ('"2026-11"', f'"{"x" * 201}"'),
        ('permits_training = "yes"', 'permits_training = "perhaps"'),
        ("prompts.txt", "../prompts.txt"),
        ("prompts.txt", "/etc/hostname"),
        ("temperature = 0.7", "temperature = [0.7]"),
    ):
        (acme.folder / "g.toml").write_text(GENERATOR.replace(*change))
        assert refused(acme, 16, *by).kind == "bad-generator", change
    (acme.folder / "g.toml").write_text(GENERATOR + "x" * 70_000)
    assert acme.fails(16, *by, "--json").kind == "bad-toml"


def test_records_that_a_program_made_of_others(acme: Person) -> None:
    for name, part in (("sources.jsonl", rows(5)), ("notes.jsonl", rows(3))):
        (acme.folder / name).write_text(lines(part))
    (acme.folder / "prompts.txt").write_text("Write a clause like {text}.")
    said = GENERATOR.replace("[param", 'source = "acme/sources"\nsource_field = "from"\n[param')
    (acme.folder / "g.toml").write_text(said)
    fields = ("--text", "text", "--label", "label")
    by = ("commit", "made.jsonl", "-d", "acme/made", *fields, "--generated-by", "g.toml")

    def write(places: list[object]) -> None:
        made = [{**row, "from": one} for row, one in zip(rows(3), places, strict=True)]
        (acme.folder / "made.jsonl").write_text(lines(made))

    write([4, [0, 1], "2,3"])
    assert acme.fails(1, *by, "--json").kind == "no-ref"
    acme.ok("commit", "sources.jsonl", "-d", "acme/sources", *fields)
    acme.ok(*by)
    manifest = acme.ok("show", "acme/made", "--json").json["manifest"]
    assert manifest["body"]["generators"][0]["sourceField"] == "from"
    (source,) = manifest["inputs"]
    assert source["role"] == "source"
    assert manifest["body"]["descriptor"]["derivedFrom"]["value"] == [source["id"]]
    report = acme.ok("verify", "acme/made", "--json").json
    (check,) = (one for one in report["checks"] if one["id"] == "datasets")
    assert check["state"] == "pass"
    # Both need a right: what was written, and what it was made from.
    acme.ok("permit", "acme/sources", "--permit", "train,modify")
    asked = acme.run("terms", "acme/made", "--json").json
    assert {one["name"] for one in asked["sources"]} == {
        "datasets/acme/made",
        "datasets/acme/sources",
    }
    assert not acme.ok(*by, "--json").json["changed"]
    for bad in ([5, 0, 0], [0, "x", 0], [0, 0, None]):
        write(bad)
        assert acme.fails(16, *by, "--json").kind == "bad-place"
    (acme.folder / "d").mkdir()
    (acme.folder / "d" / "a.txt").write_text("a")
    documents = ("commit", "d", "-d", "acme/documents", "--generated-by", "g.toml", "--json")
    assert acme.fails(16, *documents).kind == "no-rows"
    write([0, 0, 0])
    for change in (('source_field = "from"\n', ""), ("acme/sources", "acme/made")):
        (acme.folder / "g.toml").write_text(said.replace(*change))
        assert acme.fails(16, *by, "--json").kind == "bad-generator"
