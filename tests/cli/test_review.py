"""A review by the command line: two reviewers without a store, and an adjudicator."""

import json
from collections.abc import Callable
from pathlib import Path

from lyrikstore.review.folder import open_folder
from lyrikstore.verify.review.model import DecisionFile, FolderItem, RecordDecision, encoded
from tests.cli.small_runs import lines
from tests.people import Person

QUESTIONS = """questions = 1
asks = "Which clause is this?"
reasons = ["wrong-type"]
highlight = ["insur"]
"""
TYPES = ("audit", "insurance", "law")


def write(person: Person, name: str, text: str) -> None:
    """Write a file into a person's working folder."""
    path = person.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def decide(folder: Path, *, careful: bool) -> None:
    """Write what somebody decided who reads the texts, or who does not."""
    opened = open_folder(folder)
    made = [_decision(one, opened.folder.blind, careful) for one in opened.folder.items]
    file = DecisionFile(
        "lyrikstore-decisions/1",
        str(opened.queue.id),
        opened.folder.reviewer,
        tuple(sorted(made, key=lambda one: one.item)),
    )
    (folder / "decisions.json").write_bytes(encoded(file))


def _decision(item: FolderItem, blind: bool, careful: bool) -> RecordDecision:
    found = next(one for one in TYPES if item.fields["text"].endswith(one))
    known = {"blind": item.candidate} if blind else {}
    if not careful or (found,) == item.candidate:
        return RecordDecision(item.item, "accept", 4000 if careful else 300, **known)
    return RecordDecision(item.item, "change", 6000, value=(found,), reason="wrong-type", **known)


def test_two_reviewers_and_an_adjudicator(new_person: Callable[[str], Person]) -> None:
    firm, anna, ben, cara = (new_person(name) for name in ("firm", "anna", "ben", "cara"))
    for one in (firm, anna, ben, cara):
        one.ok("key", "new", "--no-passphrase")
    firm.ok("init")
    rows = [
        {"text": f"clause {n} on {TYPES[n % 3]}", "label": TYPES[(n + n // 9) % 3]}
        for n in range(30)
    ]
    write(firm, "rows/rows.jsonl", lines(rows))
    firm.ok("commit", "rows", "-d", "acme/clauses", "--text", "text", "--label", "label")
    write(firm, "q.toml", QUESTIONS)
    new = (
        *("review", "new", "acme/clauses", "--sample", "12", "--by", "label", "--blind"),
        *("--reviewer", anna.did(), "--reviewer", ben.did(), "--adjudicator", cara.did()),
        *("--questions", "q.toml"),
    )
    assert firm.ok(*new, "-n", "--json").json["drawn"] == 12
    made = firm.ok(*new, "-o", "queue", "--json").json
    folders = {one["reviewer"]: firm.folder / one["path"] for one in made["handedOut"]}
    waiting = None
    for who, careful in ((anna, True), (ben, False)):
        folder = folders[who.did()]
        decide(folder, careful=careful)
        who.ok("review", "sign", folder, "-o", "signed.json")
        # Whoever was not asked cannot sign for somebody.
        if who is anna:
            assert (
                ben.fails(14, "review", "sign", folder, "-o", "x.json", "--json").kind
                == "not-asked"
            )
        taken = firm.ok(
            "review", "import", who.folder / "signed.json", "-o", "apart", "--json"
        ).json
        waiting = waiting or taken["waitingFor"]
    assert waiting == [ben.did()]
    assert taken["disagreed"] > 0
    assert taken["details"]["agreement"]["items"] == 12
    (handed,) = taken["handedOut"]
    decide(firm.folder / handed["path"], careful=True)
    cara.ok("review", "sign", firm.folder / handed["path"], "-o", "signed.json")
    last = firm.ok("review", "import", cara.folder / "signed.json", "--json").json
    assert last["details"]["disagreed"] == 0
    assert last["details"]["labelError"]["wrong"] == taken["disagreed"]
    for kind in ("requests", "queues", "submissions", "reviews"):
        assert "What it is" in firm.ok("show", f"{kind}/acme/clauses").out
    report = firm.ok("verify", "reviews/acme/clauses", "--json").json
    (check,) = (one for one in report["checks"] if one["id"] == "reviews")
    assert check["state"] == "pass"


def test_decisions_from_label_studio(new_person: Callable[[str], Person]) -> None:
    firm = new_person("firm")
    firm.ok("key", "new", "--no-passphrase")
    firm.ok("init")
    rows = [{"text": f"{n} on law", "label": TYPES[n % 3]} for n in range(600)]
    write(firm, "rows/rows.jsonl", lines(rows))
    firm.ok("commit", "rows", "-d", "acme/clauses", "--text", "text", "--label", "label")
    new = ("review", "new", "acme/clauses", "-o", "queue", "--reviewer", firm.did())
    folder = firm.folder / firm.ok(*new, "--json").json["handedOut"][0]["path"]
    made = firm.ok("review", "export", folder, "-o", "tasks", "--json").json
    assert made["decides"] == 600
    assert made["written"] == ["tasks/tasks.json", "tasks/config.xml"]
    tasks = json.loads((firm.folder / "tasks/tasks.json").read_text())
    for task in tasks:
        result = [
            {"from_name": "value", "value": {"choices": ["law"]}},
            {"from_name": "note", "value": {"text": ["why " * 500]}},
        ]
        task["annotations"] = [{"result": result, "completed_by": 1, "lead_time": 5.5}]
    write(firm, "export.json", json.dumps(tasks, indent=2))
    sign = ("review", "sign", "export.json", "--queue", folder, "-o", "signed.json")
    assert firm.ok(*sign, "--json").json["annotators"] == ["user 1"]
    assert (firm.folder / "signed.json").stat().st_size > 1 << 20
    taken = firm.ok("review", "import", "signed.json", "--json").json
    assert taken["details"]["labelError"]["wrong"] == 400
    firm.ok("verify", "reviews/acme/clauses")
    # What the export shows is compared with the folder.
    write(firm, "export.json", json.dumps(tasks).replace("on law", "on lam"))
    again = (*sign[:-1], "x.json", "--json")
    assert firm.fails(3, *again).kind == "other-text"


def test_an_early_reveal_and_an_edited_folder(new_person: Callable[[str], Person]) -> None:
    firm, anna = new_person("firm"), new_person("anna")
    for one in (firm, anna):
        one.ok("key", "new", "--no-passphrase")
    firm.ok("init")
    rows = [{"text": f"{n} on law", "label": "law"} for n in range(6)]
    write(firm, "rows/rows.jsonl", lines(rows))
    firm.ok("commit", "rows", "-d", "acme/clauses", "--text", "text", "--label", "label")
    new = ("review", "new", "acme/clauses", "-o", "queue", "--reviewer", anna.did())
    both = firm.ok(*new, "--reviewer", firm.did(), "--json").json
    folder = next(
        firm.folder / one["path"] for one in both["handedOut"] if one["reviewer"] == anna.did()
    )
    queue = folder / "queue.json"
    data = queue.read_bytes()
    decide(folder, careful=True)
    queue.write_bytes(data.replace(b"on law", b"on lam", 1))
    assert anna.fails(3, "review", "sign", folder, "-o", "x.json", "--json").kind == "other-folder"
    queue.write_bytes(data)
    anna.ok("review", "sign", folder, "-o", "signed.json")
    signed = json.loads((anna.folder / "signed.json").read_text())
    assert signed["reviewer"] == anna.did()
    firm.ok("review", "import", anna.folder / "signed.json")
    closed = firm.ok("review", "import", "--close", "queues/acme/clauses", "--json").json
    assert closed["details"]["unanswered"] == 3


def test_a_column_of_a_sheet_about_documents(new_person: Callable[[str], Person]) -> None:
    """What is reviewed has no role; its labels are those that the column holds."""
    firm = new_person("firm")
    firm.ok("key", "new", "--no-passphrase")
    firm.ok("init")
    rows = ["path,kind,about"]
    for n in range(9):
        write(firm, f"letters/{n}.txt", f"letter {n} on {TYPES[n % 3]}")
        rows.append(f"{n}.txt,{TYPES[0] if n == 4 else TYPES[n % 3]},letter number {n}")
    write(firm, "sheet.csv", "\n".join(rows) + "\n")
    firm.ok("commit", "letters", "-d", "acme/letters", "--metadata", "sheet.csv")
    new = ("review", "new", "acme/letters", "--reviewer", firm.did(), "--questions", "q.toml")
    write(firm, "q.toml", 'field = "about"\n')
    (handed,) = firm.ok(*new, "-o", "texts", "--json").json["handedOut"]
    assert open_folder(firm.folder / handed["path"]).folder.questions.labels == ()
    write(firm, "q.toml", 'field = "kind"\nreasons = ["wrong-type"]\n')
    (handed,) = firm.ok(*new, "-o", "queue", "--json").json["handedOut"]
    folder = firm.folder / handed["path"]
    assert open_folder(folder).folder.questions.labels == TYPES
    decide(folder, careful=True)
    firm.ok("review", "sign", folder, "-o", "signed.json")
    firm.ok("review", "import", "signed.json")
    write(
        firm,
        "r.toml",
        'recipe = 1\n[[step]]\nuse = "reviewed/1"\nreview = "reviews/acme/letters"\n'
        'unreviewed = "drop"\n',
    )
    firm.ok("filter", "acme/letters", "--recipe", "r.toml", "--as", "acme/reviewed")
    words = ("query", "select path, kind from records order by path", "--records", "acme/reviewed")
    rows = firm.ok(*words, "--json").json["rows"]
    assert [tuple(one) for one in rows] == [(f"{n}.txt", TYPES[n % 3]) for n in range(9)]
    for name in ("reviews/acme/letters", "acme/reviewed"):
        assert firm.ok("verify", name, "--json").json["verdict"] == "trusted"
