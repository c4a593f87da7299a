"""Six months of a store: bought data, two models, approvals, a stolen key and a revocation.

People type the real commands, each with a HOME, keys and a clock of their own. An auditor keeps the
log checkpoints of two days. In the end there is a second store that was made from a backup with the
real keys: its history has no revocation.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY, Person
from tests.warm import CLOCK

MODEL = "checkpoints/maker/pages"
LETTERS, BOUGHT, CLEAN, PARTS = "maker/letters", "acme/clauses", "maker/clean", "maker/parts"
LISTS = "https://acme.example/status"
REASON = "an author withdrew the licence"
HOUSE = "rules/maker/house"
BUYER, EXPERT = "Nord Clinic", "Expert Ltd."
WORDS = {
    "ann": "read with the evaluation; German texts are not covered",
    "ben": "read; the errors on short texts are acceptable",
    "cam": "read in a hurry",
}
"""What each approver signs."""

CANARIES = re.compile(rb"(?i)zq(?:file|cell|text|mail)[a-z0-9]*")
"""What stands in paths, cells and texts of the data, and nowhere else."""

_LICENCES = ("CC-BY-4.0", "CC0-1.0", "MIT")
_TERMS = "".join(
    f"""[[partition]]
name = "{one.lower()}"
select = [{{ column = "licence", values = ["{one}"] }}]
licence = "{one}"
permits = ["train", "evaluate", "derivativeModels", "redistribute"]
requires = ["attribution"]
"""
    for one in _LICENCES
)
_PAGES = ("grants", "remotes", "trust", "training")
_FILES = {
    "terms.toml": _TERMS,
    "clean.toml": """recipe = 1
[[step]]
use = "allow/1"
column = "consent"
values = ["yes"]
[[step]]
use = "drop-duplicates/2"
[[step]]
use = "redact/3"
detectors = ["patterns"]
kinds = ["email", "phone", "person"]
[[step]]
use = "scan/1"
detectors = ["patterns"]
kinds = ["email", "phone", "person"]
""",
    "split.toml": """recipe = 1
[[step]]
use = "split/3"
train = 0.6
validation = 0.2
test = 0.2
""",
    "train.toml": """purpose = "train"
name = "checkpoints/maker/pages"
[data]
train = "maker/parts.train"
validation = "maker/parts.validation"
test = "maker/parts.test"
label = "page"
[model]
base = "linear"
candidates = ["tfidf"]
[training]
threads = 1
""",
    "about.toml": """about = { content = "letters", purpose = "sorting", scope = "2026" }
classification = { pi = "present", phi = "absent" }
purposes = ["train", "evaluate"]
[consents]
value = "asked of each writer"
[origin]
state = "not-applicable"
reason = "our own letters"
""",
    "intake.toml": """profile = "maker-intake/1"
title = "Intake of Maker Inc."
about = "checkpoint"
asOf = "2026-05-01"
reviewedBy = "Olga Fitz"
[questions.intended-use]
asks = "What is the model for?"
shows = ["model.task", "evaluation.verdict"]
[questions.consent]
asks = "Who agreed?"
shows = ["data.consents"]
[[items]]
id = "1"
clause = "Intake 1"
asks = "what it is for"
required = true
question = "intended-use"
[[items]]
id = "2"
clause = "Intake 2"
asks = "who agreed"
required = true
question = "consent"
""",
    "answers.toml": """liability = "Maker Inc."
[answers]
intended-use = "sorting letters before a person reads them"
consent = "the writers, in writing"
""",
    "found.toml": """extent = "all"
standard = "45 CFR 164.514(b)(1)"
method = "a person read a sample of the redacted texts, and the recipe"
conclusion = "the risk of re-identification is very small"
limitations = ["names without a title are missed"]
liability = "Expert Ltd."
[[results]]
metric = "reidentificationRisk"
value = 0.03
[[results]]
metric = "detectorRecall"
value = 0.97
""",
    "house.toml": """pack = 1
name = "house"
version = "1.0"
asOf = "2026-05-01"
reviewed = "by nobody"
[[rule]]
id = "house-origin"
effect = "forbid"
about = "It is known whether people wrote the data."
remedy = "state it: lyrikstore commit --describe FILE"
waivable = true
cedar = '''
forbid (principal, action == Lyrik::Action::"train", resource is Lyrik::Dataset)
when { resource.synthetic.share == "unknown" };
'''
[[case]]
name = "nobody says"
action = "train"
facts = { synthetic = { share = "unknown" } }
answer = "deny"
rules = ["house-origin"]
""",
}


@dataclass
class HalfAYear:
    """People, and what they made.

    Args:
        place: An empty folder.

    Attributes:
        people: Name → person; each works in ``place/NAME/work``.
        made: What was made → its id, or the index of an entry of the maker's log.
    """

    place: Path
    people: dict[str, Person] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Person:
        try:
            return self.people[name]
        except KeyError:
            raise AttributeError(name) from None

    def live(self) -> None:
        """Live the six months; afterwards all clocks are right."""
        for name in ("acme", "maker", "expert", "buyer", "auditor"):
            home, folder = (self.place / name / one for one in ("home", "work"))
            home.mkdir(parents=True)
            folder.mkdir()
            self.people[name] = Person(home, folder)
        for days, month in (
            (180, self._first),
            (150, self._second),
            (120, self._third),
            (90, self._fourth),
            (60, self._fifth),
            (30, self._sixth),
        ):
            for person in self.people.values():
                person.environment[CLOCK] = f"-{days}d"
            month()
        for person in self.people.values():
            del person.environment[CLOCK]

    def size(self) -> int:
        """Return how many entries the maker's log has."""
        note = self.maker.folder / ".lyrikstore" / "log" / "checkpoint"
        return int(note.read_text().splitlines()[1])

    def json(self, who: Person, *arguments: object) -> Any:
        """Run a command that has to succeed; return its result."""
        return who.ok(*arguments, "--json").json

    def _first(self) -> None:
        self._publish()
        self._buy()
        self._model("1", refused="cam")
        self._hand_over()
        self._ask("predicted 1")

    def _publish(self) -> None:
        acme = self.acme
        _write(acme.folder / "clauses", "bought", 0)
        acme.ok("key", "new", "--no-passphrase")
        acme.ok("init", "--origin", "acme.example/store")
        about = _FILES["about.toml"].replace("our own letters", "our own clauses")
        (acme.folder / "about.toml").write_text(f'synthetic = "none"\n{about}')
        sheet = ("--metadata", "clauses.csv", "--label", "page", "--licence-field", "licence")
        acme.ok("commit", "clauses", "-d", BOUGHT, *sheet, "--describe", "about.toml")
        (acme.folder / "terms.toml").write_text(_TERMS)
        issue = ("issue", BOUGHT, "-o", "delivery", "--terms", "terms.toml")
        given = ("--valid-for", "365d", "--status-url", LISTS, "--to", "Maker Inc.")
        self.made["bought credential"] = self.json(acme, *issue, *given)["credential"]

    def _buy(self) -> None:
        maker = self.maker
        for name, text in _FILES.items():
            (maker.folder / name).write_text(text)
        for name in ("default", "trainer", "officer", *WORDS):
            maker.ok("key", "new", name, "--no-passphrase")
        maker.ok("init", "--origin", "maker.example/store")
        maker.ok("key", "admit", "trainer", "-m", "Tess Train, our trainer")
        approver = ("--role", "approver", "--threshold", "2", "-m", "Ann Lee, Ben Ode, Cam Roe")
        maker.ok("key", "admit", *WORDS, *approver)
        waiver = ("--role", "waiver", "-m", "Olga Fitz, data protection officer")
        maker.ok("key", "admit", maker.did("officer"), *waiver)
        self._add_rules()
        shutil.copytree(self.acme.folder / "delivery", maker.folder / "bought")
        maker.ok("trust", "add", self.acme.did(), "--name", "Acme", "--names", "datasets/acme/*")
        maker.ok("import", "bought")
        _write(maker.folder / "letters", "own", 1)
        self._commit()

    def _add_rules(self) -> None:
        self.maker.ok("rules", "add", "house.toml", "--namespace", "maker")

    def _commit(self) -> None:
        maker = self.maker
        sheet = ("--metadata", "letters.csv", "--label", "page", "--licence-field", "licence")
        maker.ok("commit", "letters", "-d", LETTERS, *sheet, "--describe", "about.toml", "--yes")
        maker.ok("permit", LETTERS, "--terms", "terms.toml", "--yes")
        maker.ok("filter", BOUGHT, LETTERS, "--recipe", "clean.toml", "--as", CLEAN)
        maker.ok("filter", CLEAN, "--recipe", "split.toml", "--as", PARTS)

    def _model(self, which: str, refused: str = "") -> None:
        """Train, evaluate, describe, approve and deploy a model."""
        maker, trainer = self.maker, ("--signer", "trainer")
        until = ("--until", "2099-12-31", "-m", "a pilot", "--liable", "Olga Fitz")
        waive = ("rules", "waive", "house-origin", LETTERS, *until, "--signer", "officer")
        self.made[f"waiver {which}"] = self.json(maker, *waive)["id"]
        if refused:
            failing = ("--unconfined", "--", "sh", "-c", "exit 1")
            maker.run("train", "--input", f"{PARTS}.train", "--as", MODEL, *trainer, *failing)
        made = self.json(maker, "train", "train.toml", "-m", f"model {which}", *trainer)
        self.made |= {f"run {which}": made["run"], f"checkpoint {which}": made["id"]}
        evaluated = self.json(maker, "evaluate", MODEL, "--on", f"{PARTS}.test", *trainer)
        self.made[f"evaluation {which}"] = evaluated["id"]
        describe = ("card", MODEL, "--profile", "intake.toml", "--answers", "answers.toml")
        card = self.json(maker, *describe, "-o", "card.html")
        self.made[f"card {which}"] = card["id"]
        approvers = ["ann", refused, "ben"] if refused else ["ann", "ben"]
        for name in approvers:
            given = ("approve", MODEL, "-m", WORDS[name], "--signer", name)
            self.made[f"approval {which} {name}"] = self.json(maker, *given)["id"]
            if name == refused:
                maker.ok("approve", MODEL, "--withdraw", "-m", "not read at all", "--signer", name)
                maker.fails(14, "deploy", MODEL, "--to", "onnx", "-o", "refused")
        deployed = self.json(maker, "deploy", MODEL, "--to", "onnx", "-o", f"package-{which}")
        self.made[f"deployment {which}"] = deployed["deployment"]

    def _hand_over(self) -> None:
        maker = self.maker
        permits = ("--permit", "train,evaluate", "--grantable", "redistribute")
        given = ("--status-url", "https://maker.example/status", "--valid-for", "300d")
        issue = ("issue", CLEAN, *permits, *given)
        self.made["sold"] = self.json(maker, *issue, "-o", "sold", "--to", BUYER)["credential"]
        expert, buyer = self.expert, self.buyer
        for person in (expert, buyer):
            person.ok("key", "new", "--no-passphrase")
        (expert.folder / "found.toml").write_text(_FILES["found.toml"])
        (expert.folder / "report.txt").write_text("what the expert did")
        attested = ("--statement", "found.toml", "--document", "report.txt", "-o", "attested.json")
        sold = maker.folder / "sold"
        expert.ok("attest", sold, "--kind", "deidentification", *attested)
        maker.ok("import", expert.folder / "attested.json")
        until = ("--until", "200d", "--permit", "train", "-o", "grant.json", "--to-name", BUYER)
        granted = self.json(maker, "grant", "sold", "--to", buyer.did(), *until)
        self.made["grant"] = granted["credential"]

    def _ask(self, name: str) -> None:
        asked = ("predict", MODEL, "letters", "--record", "--signer", "trainer", "-o", "said.jsonl")
        self.made[name] = self.json(self.maker, *asked)["prediction"]

    def _second(self) -> None:
        self._publish_lists()
        found = self.json(self.maker, "reproduce", self.made["run 1"], "--signer", "trainer")
        self.made |= {"reproduction": found["id"], "verdict": found["body"]["verdict"]}

    def _third(self) -> None:
        self._publish_lists()
        letters = self.maker.folder / "letters"
        shutil.rmtree(letters)
        _write(letters, "own", 2)
        self._commit()
        self._model("2")
        self._witness()
        self._keep("kept in month 3")

    def _witness(self) -> None:
        """Have the auditor cosign the log, and log that."""
        maker, auditor = self.maker, self.auditor
        auditor.ok("key", "new", "--no-passphrase")
        rules = self.json(maker, "show", "policies/store/main")["manifest"]["body"]["policy"]
        auditor.ok("trust", "add", rules["logs"][0])
        maker.ok("log", "timestamp", "--request", "request.txt")
        cosign = ("witness", maker.folder / "request.txt", "-o", "cosigned.txt")
        key = self.json(auditor, *cosign)["witnessKey"]
        for person in (maker, auditor):
            person.ok("trust", "add", key, "--witness")
        maker.ok("log", "timestamp", "--add", auditor.folder / "cosigned.txt")
        self.made["cosigned"] = self.size()

    def _publish_lists(self) -> None:
        self.acme.ok("credential", "publish", "-o", "public")
        self._import_lists()

    def _import_lists(self) -> None:
        shutil.copytree(
            self.acme.folder / "public", self.maker.folder / "lists", dirs_exist_ok=True
        )
        self.maker.ok("import", *sorted((self.maker.folder / "lists").iterdir()))

    def _keep(self, name: str) -> None:
        """Have the auditor keep the log checkpoint of today."""
        note = self.maker.folder / ".lyrikstore" / "log" / "checkpoint"
        shutil.copy(note, self.auditor.folder / f"{name.replace(' ', '-')}.checkpoint")
        self.made[name] = self.size()

    def _fourth(self) -> None:
        maker = self.maker
        # The thief signs a version of the letters with the key of the trainer.
        self.made["stolen since"] = self.size()
        (maker.folder / "evil").mkdir()
        (maker.folder / "evil" / "zqfileevil.txt").write_text("ZqTextevil: all is permitted")
        maker.ok("commit", "evil", "-d", LETTERS, "--signer", "trainer", "--yes")
        maker.ok("key", "new", "next", "--no-passphrase")
        since = ("--suspect-from", self.made["stolen since"], "--successor", "next")
        why = ("-m", "a laptop was stolen from a train", "--yes")
        maker.ok("key", "revoke", "trainer", *since, *why)
        maker.ok("key", "admit", "next", "-m", "Tess Train, our trainer, with a new laptop")
        self.made["key revoked"] = self.size()

    def _fifth(self) -> None:
        acme, maker = self.acme, self.maker
        revoke = ("credential", "revoke", "delivery", "-m", REASON, "-o", "public")
        acme.ok(*revoke)
        self.people["forger"] = maker.copy(self.place / "forger")
        self._import_lists()
        self.made["revocation imported"] = self.size()
        because = ("-m", f"Acme revoked the clauses: {REASON}", "-o", "public")
        maker.ok("credential", "revoke", "sold", *because)
        self.made["sold revoked"] = self.size()
        self._predict(maker)
        self._keep("kept in month 5")
        self._predict(self.forger)

    def _predict(self, who: Person) -> None:
        asked = ("predict", MODEL, "letters", "--record", "--signer", "next", "-o", "said.jsonl")
        who.ok(*asked, "--force")

    def _sixth(self) -> None:
        self._predict(self.maker)
        self._predict(self.forger)


def lived(place: Path) -> HalfAYear:
    """Return six months that were lived in an empty folder."""
    half = HalfAYear(place)
    half.live()
    return half


def _write(folder: Path, which: str, version: int) -> None:
    """Write texts, with a sheet beside their folder: half of the paragraphs of some pages."""
    folder.mkdir()
    rows = ["path,page,client,licence,consent"]
    for number, (page, text) in enumerate(_paragraphs()):
        if (number % 2 == 0) is (which == "bought") and (version != 2 or number % 9):
            mark = f"{which}{version if number % 5 else 1}{number:03}"
            path = f"zqfile{which}{number:03}.txt"
            licence = _LICENCES[number % 3]
            line = (
                f"{text}\n\nMr. Zqtext{number:03}, zqmail{number:03}@people.example: ZqText{mark}\n"
            )
            (folder / path).write_text(line, "utf-8")
            consent = "no" if which == "own" and number % 11 == 2 else "yes"
            rows.append(f"{path},{page},ZqCell{number % 12:02},{licence},{consent}")
    again = f"zqfile{which}again.txt"
    (folder / again).write_bytes(min(folder.iterdir()).read_bytes())
    rows.append(f"{again},{rows[1].split(',')[1]},ZqCell99,MIT,yes")
    folder.with_suffix(".csv").write_text("\n".join(rows) + "\n", "utf-8")


def _paragraphs() -> Iterator[tuple[str, str]]:
    """Yield the page and the text of paragraphs of our own documentation."""
    for page in _PAGES:
        whole = (REPOSITORY / "docs" / f"{page}.md").read_text("utf-8")
        for text in [one for one in re.split(r"\n\s*\n", whole) if len(one) > 60][:24]:
            yield page, text
