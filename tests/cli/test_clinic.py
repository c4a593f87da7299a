"""A clinic trains on notes: rules refuse, an expert attests, an officer waives, all is verified."""

import json
import shlex
from collections.abc import Callable
from typing import Any

from tests.cli.small_runs import lines
from tests.conftest import Person
from tests.pages import blocks, commands

RECIPES = {
    "clean.toml": """recipe = 1
[[step]]
use = "redact/3"
detectors = ["patterns"]
kinds = ["email", "phone"]
[[step]]
use = "scan/1"
detectors = ["patterns"]
kinds = ["email", "phone"]
""",
    "split.toml": 'recipe = 1\n[[step]]\nuse = "split/3"\n',
    "about.toml": 'classification = { phi = "present", pi = "present" }\nsynthetic = "none"\n',
    "found.toml": """extent = "all"
standard = "45 CFR 164.514(b)(1)"
method = "review of a sample and of the recipe"
conclusion = "the risk of re-identification is very small"
limitations = ["names in free text"]
liability = "Expert Ltd."
[[results]]
metric = "reidentificationRisk"
value = 0.03
""",
    "house.toml": """pack = 1
name = "house"
version = "1.0"
asOf = "2026-12-01"
reviewed = "by nobody"
[[rule]]
id = "house-labels"
effect = "forbid"
about = "A person read the labels."
remedy = "state who read them: lyrikstore commit --describe FILE"
waivable = true
cedar = '''
forbid (principal, action == Lyrik::Action::"train", resource is Lyrik::Dataset)
when { resource.labelsReviewed == "unknown" };
'''
[[case]]
name = "nobody knows who read them"
action = "train"
facts = { labelsReviewed = "unknown" }
answer = "deny"
rules = ["house-labels"]
""",
}
RUN, MODEL = "runs/clinic/parts", "checkpoints/clinic/parts"
HEALTH = ["health-method", "health-residual"]
COMPLAINTS = ("cough", "rash")


def notes(count: int) -> str:
    """Return notes with addresses, as JSON Lines."""
    return lines(
        {
            "id": str(number),
            "text": f"Mail a{number}@clinic.example, phone 555-0{100 + number % 900}: "
            f"{COMPLAINTS[number % 2]} since {number % 9} days, visit {number}",
            "label": COMPLAINTS[number % 2],
        }
        for number in range(count)
    )


def log_size(clinic: Person) -> int:
    return int(clinic.ok("log", "--audit", "--json").json["logSize"])


def denied(clinic: Person) -> list[str]:
    """Train, which the rules deny; return the rules."""
    before = log_size(clinic)
    refused = clinic.fails(14, "train", "train.toml", "--json")
    assert refused.kind == "rules-denied"
    assert log_size(clinic) == before
    return [one["rule"] for one in refused.error["details"]["denied"]]


def rules_of(found: dict[str, Any]) -> dict[str, Any]:
    (rules,) = [one for one in found["checks"] if one["id"] == "rules"]
    return dict(rules)


def test_a_clinic_trains_on_notes(new_person: Callable[[str], Person]) -> None:
    clinic = new_person("clinic")
    for name, text in RECIPES.items():
        (clinic.folder / name).write_text(text)
    (clinic.folder / "notes.jsonl").write_text(notes(120))
    for name in ("default", "expert", "officer"):
        clinic.ok("key", "new", name, "--no-passphrase")
    clinic.ok("init")
    clinic.ok("key", "admit", "expert")
    officer = clinic.did("officer")
    clinic.ok("key", "admit", officer, "--role", "waiver")
    given = ("--describe", "about.toml", "--text", "text", "--label", "label")
    clinic.ok("commit", "notes.jsonl", "-d", "clinic/notes", *given)
    clinic.ok("permit", "clinic/notes", "--permit", "train,evaluate")
    clinic.ok("rules", "add", "health", "--namespace", "clinic")

    # Notes as they were written are refused, and nothing of it is logged.
    filtered = clinic.ok("filter", "clinic/notes", "--recipe", "split.toml", "--as", "clinic/parts")
    assert "health-method, health-residual" in filtered.err  # warned of, and not refused
    plan = ("--label", "label", "--base", "linear", "-o", "train.toml")
    clinic.ok("plan", "clinic/parts", *plan)
    assert denied(clinic) == HEALTH
    said = clinic.fails(14, "train", "train.toml").err.splitlines()
    assert [sum(f"{rule}: " in line for line in said) for rule in HEALTH] == [1, 1]
    preview = shlex.split(said[-1].partition("lyrikstore ")[2])
    again = clinic.fails(14, *preview, "--json").json
    assert [one["rule"] for one in again["denied"]] == HEALTH

    # Redacted, scanned, and attested by another key, they are trained on.
    clinic.ok("filter", "clinic/notes", "--recipe", "clean.toml", "--as", "clinic/clean")
    clinic.ok("issue", "clinic/clean", "-o", "delivery", "--permit", "train,evaluate")
    (clinic.folder / "report.txt").write_text("what the expert did")
    attested = ("--statement", "found.toml", "--document", "report.txt", "-o", "attestation.json")
    expert = ("--kind", "deidentification", "--signer", "expert")
    clinic.ok("attest", "delivery", *expert, *attested)
    clinic.ok("import", "attestation.json")
    filtered = clinic.ok("filter", "clinic/clean", "--recipe", "split.toml", "--as", "clinic/parts")
    assert "health-" not in filtered.err
    clinic.ok("train", "train.toml")
    shown = clinic.ok("show", f"{RUN.replace('runs', 'decisions')}.train", "--json").json
    assert shown["manifest"]["body"]["answer"] == "permit"

    # A stricter pack would refuse this run; added, it refuses the next one, until it is waived.
    stricter = clinic.ok("rules", "diff", "core", "house.toml", "--json").json
    assert [(one["name"], one["newAnswer"]) for one in stricter["changes"]] == [
        (RUN, {"answer": "deny", "forbiddenBy": ["house-labels"]})
    ]
    clinic.ok("rules", "add", "house.toml", "--namespace", "clinic")
    assert denied(clinic) == ["house-labels"]
    why = ("--until", "2099-12-31", "-m", "a pilot", "--liable", "Dr. Ann Lee", "--json")
    waive = ("rules", "waive", "house-labels", "clinic/notes", *why)
    assert clinic.fails(14, *waive).kind == "not-waiver"
    waiver = clinic.ok(*waive, "--signer", "officer").json
    clinic.ok("train", "train.toml")
    body = clinic.ok("show", f"{RUN.replace('runs', 'decisions')}.train", "--json").json["manifest"]
    assert body["body"]["answer"] == "permit-by-waiver"
    assert [one["waiver"] for one in body["body"]["lifted"]] == [waiver["id"]]
    found = clinic.run("verify", MODEL, "--json").json
    assert found["verdict"] == "trusted"
    assert waiver["id"] in json.dumps(rules_of(found)["detail"]["waivers"])

    # The expert revokes the attestation: what was trained stays so, and would be refused today.
    clinic.ok("credential", "revoke", "attestation.json", "--signer", "expert")
    assert rules_of(clinic.run("verify", MODEL, "--json").json)["detail"]["reason"] == (
        "refused-today"
    )

    # What docs/rules.md shows runs here.
    for block in blocks("rules.md", "sh"):
        for line in commands(block):
            typed = shlex.split(line.replace("did:key:z6Mk…", officer))[1:]
            done = clinic.run(*typed)
            assert done.code in (0, *((14,) if "check" in typed else ())), (line, done.err)
