"""Bought, merged, resold: a story of three people, word for word (attack case A125).

After a change that is meant, delete ``resold.txt`` and run this once.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.small_runs import BASE, CONFIG, Row, lines, rows, supply_base
from tests.cli.transcribed import Session
from tests.conftest import Person

pytestmark = [pytest.mark.train, pytest.mark.ci]
WHOLE = "checkpoints/buyer/whole"
KEPT = Path(__file__).with_name("resold.txt")
WORDS = ("train", "evaluate", "redistribute", "derivativeModels")
TERMS = (
    *("--permit", ",".join(WORDS), "--prohibit", "commercialUse"),
    *("--require", "attribution,deleteOnExpiry"),
)
ROLES = ("--text", "text", "--label", "label", "--id", "id")
RECIPE = """recipe = 1
[[step]]
use = "where/1"
sql = "NOT contains(text, 'word7')"
[[step]]
use = "split/1"
train = 0.6
validation = 0.2
test = 0.2
"""


def write(person: Person, name: str, some: list[Row]) -> None:
    folder = person.folder / name
    folder.mkdir()
    (folder / "rows.jsonl").write_text(lines(some))


def configure(person: Person, name: str, base: str, top: str = "", more: str = "") -> str:
    """Write a config that trains on the parts of ``buyer/both``; return its name."""
    model = 'candidates = ["lora"]\nmax_tokens = 16\n'
    text = CONFIG.format(name="both", base=base, model=model, training="", top=top) + more
    text = text.replace('name = "checkpoints/acme/both"', f'name = "checkpoints/buyer/{name}"')
    (person.folder / f"{name}.toml").write_text(text.replace('"acme/', '"buyer/'))
    return f"{name}.toml"


def test_bought_merged_and_resold(new_person: Any) -> None:
    publisher, buyer, third = (new_person(name) for name in ("publisher", "buyer", "third"))
    session = Session(publisher=publisher, buyer=buyer, third=third)
    for person in (publisher, buyer):
        person.ok("key", "new", "--no-passphrase")
        person.ok("init", "--origin", f"{person.home.parent.name}.example/store")
    write(publisher, "clauses", rows(40, seed=1))
    session.run(publisher, "commit", "clauses", "-d", "acme/clauses", *ROLES)
    session.run(publisher, "issue", "acme/clauses", "-o", "delivery", *TERMS)
    shutil.copytree(publisher.folder / "delivery", buyer.folder / "delivery")

    session.narrate("The buyer takes it in, leaves some of it out, and puts it to their own.")
    session.run(buyer, "trust", "add", publisher.did(), "--name", "Acme")
    session.run(buyer, "verify", "delivery", only="terms  |TRUSTED")
    session.run(buyer, "import", "delivery")
    write(buyer, "letters", rows(40, seed=2))
    session.run(buyer, "commit", "letters", "-d", "buyer/letters", *ROLES)
    session.run(buyer, "permit", "buyer/letters", "--permit", ",".join((*WORDS, "commercialUse")))
    (buyer.folder / "recipe.toml").write_text(RECIPE)
    both = ("acme/clauses", "buyer/letters")
    session.run(buyer, "filter", *both, "--recipe", "recipe.toml", "--as", "buyer/both")
    buyer.ok("commit", supply_base(buyer), "-d", BASE, "--licence", "Apache-2.0")

    session.narrate("They train and merge, and want to train on with their own data, for money.")
    session.run(buyer, "train", configure(buyer, "small", BASE), only="✓ checkpoint")
    session.run(buyer, "checkpoint", "merge", "checkpoints/buyer/small", "--as", WHOLE)
    write(buyer, "later", rows(24, seed=3))
    session.run(buyer, "commit", "later", "-d", "buyer/later", *ROLES)
    session.run(buyer, "permit", "buyer/later", "--permit", ",".join((*WORDS, "commercialUse")))
    on = ("train", "--input", "buyer/later", "--base", WHOLE, "--as", "buyer/on")
    command = ("--", "sh", "-c", "cat {input}/* > /dev/null; cp -r {base}/. {output}")
    session.run(buyer, *on, "--use", "also=commercialUse", *command)
    session.run(buyer, *on, *command, only="✓ checkpoint")

    session.narrate("What the publisher demands goes along.")
    session.run(buyer, "terms", "checkpoints/buyer/on", "--purpose", "commercialUse")
    session.run(buyer, "card", "checkpoints/buyer/on", only="Prohibits|Attribution|Deletion")
    session.run(buyer, "deploy", WHOLE, "--to", "hf", "-o", "served", only="✓ signed")
    session.show(buyer.folder / "served" / "NOTICE")

    session.narrate("They hand on what they bought.")
    sold = ("issue", "buyer/both.train", "-o", "resold")
    session.run(buyer, *sold, "--permit", "train,commercialUse")
    session.run(buyer, *sold, "--permit", "train")
    shutil.copytree(buyer.folder / "resold", third.folder / "resold")
    session.run(third, "trust", "add", buyer.did(), "--name", "Buyer")
    session.run(third, "verify", "resold")
    session.check(KEPT)
