"""Tokens and languages of a sample: drawn by record id, stated as a sample, missed with a hint."""

import json
import random
from typing import Any

import pytest

from lyrikstore.curate import language, weights
from lyrikstore.curate.extract.chunk import find_tokens
from lyrikstore.curate.readers.sampling import drawn
from lyrikstore.history.records.order_root import record_id

TEXTS = {
    "en": "The tenant shall pay the rent on the first day of each month.",
    "de": "Der Mieter zahlt die Miete am ersten Tag eines jeden Monats.",
}
COUNT = 3000


def rows() -> list[bytes]:
    # One in ten is German, one in a hundred says too little.
    made = []
    for n in range(COUNT):
        text = "OK" if n % 100 == 7 else f"{TEXTS['de' if n % 10 == 0 else 'en']} {'x ' * (n % 9)}"
        made.append(json.dumps({"n": n, "text": text}).encode())
    return made


def commit(publisher, lines: list[bytes], *more: str, files: int = 1) -> Any:
    folder = publisher.folder / "rows"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for at in range(files):
        (folder / f"{at}.jsonl").write_bytes(b"".join(one + b"\n" for one in lines[at::files]))
    (folder / "README.md").write_text("About.\n")
    publisher.ok("commit", "rows", "-d", "acme/rows", "--yes", *more)
    body = publisher.ok("show", "acme/rows", "--json").json["manifest"]["body"]
    return body["descriptor"]["stats"]["value"].get("sample")


BOTH = ("--statistic", "tokens", "--statistic", "languages")


def test_a_sample_is_what_its_hash_says(publisher) -> None:
    lines = rows()
    found = commit(publisher, lines, *BOTH)
    by_number = sorted(lines, key=lambda line: drawn("0", record_id("jsonl/1", line).hex))
    chosen = [json.loads(line)["text"] for line in by_number[:1000]]
    counts = sorted(len(find_tokens(text)) for text in chosen)
    assert found["records"] == 1000
    assert found["seed"] == "0"
    assert found["tokens"] == {
        "least": counts[0],
        "median": counts[499],
        "most": counts[-1],
        "sum": sum(counts),
    }
    german = sum(text.startswith("Der") for text in chosen)
    assert found["languages"] == [
        {"language": "de", "records": german},
        {"language": "en", "records": 1000 - german - chosen.count("OK")},
    ]
    assert found["unsure"] == chosen.count("OK")
    assert found["model"]["name"] == "py3langid"
    # Neither order nor files decide.
    random.Random(1).shuffle(lines)
    assert commit(publisher, lines, *BOTH, files=3) == found
    assert commit(publisher, lines[:400], "--statistic", "tokens")["records"] == 400
    assert commit(publisher, lines[:400]) is None


def test_it_is_carried_into_a_credential(publisher) -> None:
    commit(publisher, rows()[:50], "--statistic", "tokens")
    publisher.ok("issue", "acme/rows", "-o", "delivery", "--permit", "train")
    publisher.ok("verify", "delivery")


def test_what_cannot_be_measured(publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    (publisher.folder / "t.jsonl").write_text('{"a":1}\n')
    arguments = ("commit", "t.jsonl", "-d", "acme/x", "--json", "--statistic")
    assert publisher.fails(16, *arguments, "tokens").kind == "no-text"
    assert publisher.run(*arguments, "words").code == 2
    (publisher.folder / "t.txt").write_text("A text.\n")
    documents = ("commit", "t.txt", "-d", "acme/x", "--json", "--statistic", "tokens")
    assert publisher.fails(16, *documents).kind == "no-rows"
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    language.open_language_model.cache_clear()
    with pytest.raises(weights.IncompleteError) as error:
        language.open_language_model()
    assert "lyrikstore[curate]" in error.value.hint
