"""Whoever buys rows does with them what their publisher can, and under the publisher's terms."""

import csv
import shutil
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from lyrikstore import Store
from lyrikstore.api import KeyFolder
from lyrikstore.canon.timestamps import now
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.verify.datasets.imported import imported_body
from tests.cli.small_runs import WORDS, lines
from tests.conftest import Person
from tests.faults.robust.models import write_base

FIELDS = {
    "text": ["body"], "label": "kind", "id": "nr", "group": "matter", "split": "part",
    "licence": "terms",
}  # fmt: skip
OPTIONS = (
    *("--label", "kind", "--id", "nr", "--group", "matter", "--split", "part"),
    *("--licence-field", "terms"),
)
ROWS = ("--text", "body", *OPTIONS)
TERMS = """
[[partition]]
name = "open"
select = [{ path = "terms=MIT" }]
permits = ["train", "evaluate", "commercialUse"]

[[partition]]
name = "rest"
permits = ["evaluate"]
grantable = ["train"]
"""
APART = 'recipe = 1\n[[step]]\nuse = "drop-empty/1"\n[[step]]\nuse = "partition/1"\n'
SPLIT = 'recipe = 1\n[[step]]\nuse = "partition/1"\n[[step]]\nuse = "split/2"\n'
CONFIG = """purpose = "train"
name = "checkpoints/house/{name}"
{use}
[data]
train = "{train}"
validation = "house/jsonl.validation"
test = "house/jsonl.test"
label = "kind"
[model]
base = "linear"
[training]
epochs = 1
threads = 1
[evaluation]
slices = ["matter"]
"""


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "nr": f"r{number}",
            "body": f"{'alpha' if number % 2 else 'beta'} {WORDS[number % 90]} of {number}",
            "kind": "ab"[number % 2],
            "matter": f"m{number // 4}",
            "part": "train",
            "terms": ["MIT", "NDA"][number // 2 % 2],
        }
        for number in range(count)
    ]


def write(publisher: Person) -> None:
    """Write the same records as JSON Lines, CSV, Parquet, and documents with a sheet."""
    made = rows(160)
    for name in ("jsonl", "csv", "parquet", "docs"):
        (publisher.folder / name).mkdir()
        (publisher.folder / name / "README.md").write_text("no row\n")
    (publisher.folder / "jsonl" / "rows.jsonl").write_text(lines(made))
    parquet.write_table(pyarrow.Table.from_pylist(made), publisher.folder / "parquet/rows.parquet")
    for path, names in (("csv/rows.csv", list(made[0])), ("sheet.csv", ["path", *made[0]])):
        with (publisher.folder / path).open("w", newline="") as file:
            writer = csv.DictWriter(file, names, extrasaction="ignore")
            writer.writeheader()
            writer.writerows({**one, "path": f"{one['nr']}.txt"} for one in made)
    (publisher.folder / "docs" / "README.md").unlink()
    for one in made:
        (publisher.folder / "docs" / f"{one['nr']}.txt").write_text(one["body"])


@pytest.fixture
def bought(once, publisher, new_person) -> tuple[Person, Person]:
    """A publisher of rows in every form, and a buyer who imported all of them."""

    def make(publisher: Person) -> None:
        write(publisher)
        (publisher.folder / "delivered").mkdir()
        permit = ("--permit", "train,evaluate,modify")
        for name in ("jsonl", "csv", "parquet", "docs"):
            options = ("--metadata", "sheet.csv", *OPTIONS) if name == "docs" else ROWS
            publisher.ok("commit", name, "-d", f"acme/{name}", *options)
            publisher.ok("issue", f"acme/{name}", "-o", f"delivered/{name}", *permit)

    once(publisher, make)
    buyer = new_person("buyer")
    buyer.ok("key", "new", "--no-passphrase")
    buyer.ok("init")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    for path in sorted((publisher.folder / "delivered").iterdir()):
        buyer.ok("import", path, "--as", f"house/{path.name}")
    return publisher, buyer


def opened(person: Person, *, sign: bool = False) -> Store:
    config = person.home / ".config" / "lyrikstore"
    keys = KeyFolder(config / "keys")
    credentials: dict[str, Any] = {"keys": keys, "signer": keys.signer()} if sign else {}
    memory = person.home / ".local" / "state" / "lyrikstore" / "logs"
    return Store.open(
        person.folder, memory_dir=memory, trust_file=config / "trust.toml", **credentials
    )


def derive(person: Person, recipe: str, name: str, *refs: str) -> None:
    (person.folder / "recipe.toml").write_text(recipe)
    person.ok("filter", *refs, "--recipe", "recipe.toml", "--as", name)


def test_what_a_publisher_says_of_fields_is_taken_over_in_every_form(bought) -> None:
    publisher, buyer = bought
    theirs, ours = opened(publisher), opened(buyer)
    for name in ("jsonl", "csv", "parquet", "docs"):
        body = ours.resolve(f"house/{name}").body
        assert body == imported_body(theirs.resolve(f"acme/{name}").body)
        assert body["fields"] == ({**FIELDS} if name != "docs" else body["fields"])
        assert body["fields"].keys() >= {"label", "id", "group", "split", "licence"}
        assert ("companions" in body) == (name != "docs")
        assert ("metadata" in body) == (name == "docs")
    report = buyer.ok("verify", "--json")
    assert (report.json["verdict"], report.check("datasets")["state"]) == ("trusted", "pass")


@pytest.mark.train
def test_the_buyer_filters_unites_trains_and_evaluates(bought) -> None:
    """By the roles alone: the text is read, the licence parts, the group splits."""
    _, buyer = bought
    for name in ("jsonl", "csv", "parquet"):
        derive(buyer, APART, f"house/{name}.apart", f"house/{name}")
    derive(buyer, 'recipe = 1\n[[step]]\nuse = "extract-text/2"\n' + APART.partition("\n")[2],
           "house/docs.apart", "house/docs")  # fmt: skip
    derive(buyer, SPLIT, "house/jsonl", "house/jsonl")
    united = ("house/csv.apart", "house/parquet.apart")
    derive(buyer, 'recipe = 1\n[[step]]\nuse = "drop-duplicates/2"\n', "house/both", *united)
    body = opened(buyer).resolve("house/both").body
    assert (body["records"], body["fields"]) == (160, FIELDS)
    config = CONFIG.format(name="m", train="house/jsonl.train", use="")
    (buyer.folder / "m.toml").write_text(config)
    buyer.ok("plan", "m.toml")
    buyer.ok("train", "m.toml")
    buyer.ok("evaluate", "checkpoints/house/m", "--on", "house/jsonl.test")
    assert opened(buyer).resolve("evaluations/house/m").body["slicing"]
    assert buyer.run("verify", "checkpoints/house/m", "--json").json["verdict"] == "trusted"


def test_roles_that_the_publisher_does_not_state_the_buyer_does(publisher, new_person) -> None:
    (publisher.folder / "rows.jsonl").write_text(lines(rows(12)))
    publisher.ok("commit", "rows.jsonl", "-d", "acme/bare", "--group", "matter")
    publisher.ok("issue", "acme/bare", "-o", "bare", "--permit", "train,modify")
    folder = publisher.folder / "bare"
    buyer = new_person("buyer")
    buyer.ok("key", "new", "--no-passphrase")
    buyer.ok("init")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    buyer.ok("import", folder, "--as", "house/bare")
    (buyer.folder / "recipe.toml").write_text(APART)
    step = ("filter", "house/bare", "--recipe", "recipe.toml", "--as", "house/apart")
    refused = buyer.fails(16, *step)
    assert "import DELIVERY --text FIELD" in refused.err
    for words, kind in (
        (("--text", "nothing"), "unknown-column"),
        (("--id", "kind"), "duplicate-ids"),
        (("--group", "nr"), "stated-role"),
    ):
        again = ("import", folder, "--as", "house/bare", *words, "--json")
        assert buyer.fails(16, *again).kind == kind
    own = ("--text", "body", "--label", "kind", "--licence-field", "terms")
    (taken,) = buyer.ok("import", folder, "--as", "house/bare", *own, "--json").json["imported"]
    assert taken["changed"]
    body = opened(buyer).resolve("house/bare").body
    assert body["fields"] == {
        "text": ["body"], "label": "kind", "licence": "terms", "group": "matter"
    }  # fmt: skip
    stats = body["descriptor"]["stats"]["value"]
    assert [one["label"] for one in stats["labels"]] == ["a", "b"]
    buyer.ok(*step)
    # What was said once is kept; that of the publisher is the right to it.
    assert not buyer.ok("import", folder, "--as", "house/bare", "--json").json["imported"][0][
        "changed"
    ]
    assert buyer.ok("terms", "house/apart", "--purpose", "train", "--json").json["use"]
    assert buyer.run("verify", "--json").json["verdict"] == "trusted"


def resigned(person: Person, name: str, **changes: Any) -> Manifest:
    """Log an import again with another body, by the key of whoever imported it."""
    store = opened(person, sign=True)
    repository = store.repository
    honest = repository.resolve(name)
    made = {**honest.body, **changes}
    body = {member: value for member, value in made.items() if value is not None}
    again = sign_manifest(
        kind="dataset", store=repository.store_id, name=honest.name, parents=[honest.id],
        body=body, inputs=(), attachments=honest.attachments, created=now(), tree=honest.tree,
        files=honest.files, signer=KeyFolder(person.home / ".config/lyrikstore/keys").signer(),
    )  # fmt: skip
    with open_transaction(repository) as transaction:
        transaction.log_manifest(again)
        transaction.commit()
    return again


def test_an_import_of_before_gets_its_roles_by_importing_again(bought) -> None:
    publisher, buyer = bought
    resigned(buyer, "house/csv", fields=None, companions=None)
    report = buyer.ok("verify", "house/csv", "--json")
    assert (report.json["verdict"], report.check("datasets")["state"]) == ("trusted", "pass")
    folder = publisher.folder / "delivered" / "csv"
    again = ("import", folder, "--as", "house/csv", "--json")
    assert [buyer.ok(*again).json["imported"][0]["changed"] for _ in range(2)] == [True, False]
    assert opened(buyer).resolve("house/csv").body["fields"] == FIELDS
    # So does one that says otherwise, and which `verify` finds.
    resigned(buyer, "house/csv", fields={**FIELDS, "label": "matter"})
    buyer.ok(*again)
    assert opened(buyer).resolve("house/csv").body["fields"] == FIELDS


def test_an_import_that_says_otherwise_than_its_publisher_is_found(bought) -> None:
    """ATTACK A113: whoever imports calls another field the licence, or the data free."""
    _, buyer = bought
    for name, changes in (
        ("house/jsonl", {"fields": {**FIELDS, "label": "matter"}}),
        ("house/jsonl", {"fields": {**FIELDS, "licence": "kind"}}),
        ("house/parquet", {"fields": {"text": ["body"]}}),
        ("house/csv", {"companions": None}),
        ("house/docs", {"licence": {"expression": "CC0-1.0"}}),
    ):
        resigned(buyer, name, **changes)
        check = buyer.fails(3, "verify", name, "--json").check("datasets")
        assert (check["state"], check["detail"]["reason"]) == ("fail", "differs")
        assert any("publisher" in line for line in check["detail"]["problems"])


@pytest.mark.train
def test_what_a_model_of_the_publisher_wrote_is_under_the_terms_of_its_output(
    publisher, new_person
) -> None:
    """ATTACK A69: the generator is not here, and what its output may not be used for is known."""
    write_base(publisher.folder / "base")
    publisher.ok("commit", "base", "-d", "checkpoints/acme/base")
    (publisher.folder / "rows.jsonl").write_text(lines(rows(160)))
    (publisher.folder / "prompts.txt").write_text("write clauses\n")
    made = ("--generated-by", "checkpoints/acme/base", "--prompts", "prompts.txt")
    publisher.ok("commit", "rows.jsonl", "-d", "acme/jsonl", *ROWS, *made, "--output-trains", "no")
    publisher.ok("issue", "acme/jsonl", "-o", "delivery", "--permit", "train,evaluate,modify")
    buyer = new_person("buyer")
    buyer.ok("key", "new", "--no-passphrase")
    buyer.ok("init")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    buyer.ok("import", publisher.folder / "delivery", "--as", "house/jsonl")
    derive(buyer, SPLIT, "house/jsonl", "house/jsonl")
    config = CONFIG.format(name="m", train="house/jsonl.train", use="")
    (buyer.folder / "m.toml").write_text(config)
    assert buyer.fails(14, "train", "m.toml", "--json").kind == "output-terms"


@pytest.mark.train
def test_partitions_and_a_grant_together_train(publisher, new_person) -> None:
    """What docs/terms.md recommends: rows put apart by licence, and a grant for the rest."""
    (publisher.folder / "rows.jsonl").write_text(lines(rows(160)))
    publisher.ok("commit", "rows.jsonl", "-d", "acme/all", *ROWS)
    derive(publisher, APART, "acme/apart", "acme/all")
    publisher.ok("checkout", "acme/apart", "apart")
    publisher.ok("commit", "apart", "-d", "acme/jsonl", *ROWS)
    (publisher.folder / "terms.toml").write_text(TERMS)
    publisher.ok("issue", "acme/jsonl", "-o", "delivery", "--terms", "terms.toml")
    buyer = new_person("buyer")
    buyer.ok("key", "new", "--no-passphrase")
    buyer.ok("init")
    buyer.ok("trust", "add", publisher.did(), "--name", "Acme")
    grant = ("--to", buyer.did(), "--permit", "train,evaluate", "--until", "30d")
    publisher.ok("grant", "delivery", *grant, "-o", "grant.json")
    for path in publisher.folder.glob("grant*"):
        shutil.copy(path, publisher.folder / "delivery")
    buyer.ok("import", publisher.folder / "delivery", "--as", "house/jsonl")
    derive(buyer, SPLIT, "house/jsonl", "house/jsonl")
    config = CONFIG.format(name="m", train="house/jsonl.train", use="")
    (buyer.folder / "m.toml").write_text(config)
    used = buyer.ok("terms", "house/jsonl.train", "--purpose", "train", "--json").json["use"]
    assert used["answer"] == "permitted"
    buyer.ok("train", "m.toml")
    (right,) = opened(buyer).resolve("runs/house/m").body["rights"]
    assert (right["permits"], right["partitions"]) == (["train", "evaluate"], ["open", "rest"])
    assert "grant" in right
    assert buyer.run("verify", "--json").json["verdict"] == "trusted"
    # What one of them permits to everybody, the grant gives for neither.
    sold = '[use]\nalso = ["commercialUse"]'
    config = CONFIG.format(name="sold", train="house/jsonl.train", use=sold)
    (buyer.folder / "sold.toml").write_text(config)
    refused = buyer.fails(14, "train", "sold.toml", "--json")
    (missing,) = refused.error["details"]["missing"]
    assert (refused.kind, missing["code"]) == ("rights-missing", "not-stated")
