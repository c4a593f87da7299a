"""Terms as publisher and buyer use them: a terms file, a delivery, a mix, an export."""

import json
import shutil

import pytest

from tests.conftest import Person

TERMS = """
[[partition]]
name = "open"
select = [{ path = "news" }]
licence = "CC-BY-4.0"
permits = ["train", "evaluate", "commercialUse"]
requires = ["attribution"]

[[partition]]
name = "client"
select = [{ column = "origin", values = ["client"] }]
licence = "LicenseRef-NDA"
permits = ["train", "evaluate"]
prohibits = ["redistribute"]
grantable = ["commercialUse"]
requires = ["deleteOnExpiry"]
limits = { territory = ["DE", "FR"], useUntil = 2027-12-31, seats = 5 }

[[partition]]
name = "rest"
permits = ["train"]

[texts]
LicenseRef-NDA = "nda.txt"

[[regulatory]]
regime = "EU-GDPR"
status = "pseudonymised"
basis = "Art. 6(1)(a)"
asOf = 2026-01-01
warrantedBy = { name = "Lex LLP" }

[[quality]]
metric = "labelAgreementKappa"
value = "0.87"
method = "3 annotators"

[[measure]]
use = "metadataShare/1"
parameters = { column = "origin" }

[[measure]]
use = "wordCount/1"
"""


@pytest.fixture
def delivery(once, publisher):
    def make(publisher: Person) -> None:
        documents = publisher.folder / "documents"
        rows = ["path,origin"]
        for n in range(9):
            path = f"{'news' if n < 3 else 'mail'}/{n}.txt"
            (documents / path).parent.mkdir(parents=True, exist_ok=True)
            (documents / path).write_text(f"document number {n}, {n}@example.org\n")
            rows.append(f"{path},{'web' if n < 3 else 'client' if n < 7 else ''}")
        (publisher.folder / "sheet.csv").write_text("\n".join(rows) + "\n")
        (publisher.folder / "nda.txt").write_text("Keep it to yourself.\n")
        (publisher.folder / "terms.toml").write_text(TERMS)
        publisher.ok(
            *("commit", documents, "-d", "acme/docs", "--metadata", publisher.folder / "sheet.csv"),
            *("--licence", "CC-BY-4.0 AND LicenseRef-NDA"),
        )
        folder = publisher.folder / "delivery"
        publisher.ok("issue", "acme/docs", "-o", folder, "--terms", publisher.folder / "terms.toml")

    once(publisher, make)
    return publisher.folder / "delivery"


@pytest.fixture
def buyer(new_person, publisher, delivery):
    person = new_person("buyer")
    person.ok("trust", "add", publisher.did(), "--name", "Acme")
    shutil.copytree(delivery, person.folder / "delivery")
    return person


def verify(person, *more):
    folder = person.folder / "delivery"
    return person.run("verify", folder, "--data", folder / "data", "--json", *more)


def test_a_buyer_sees_and_recomputes_what_he_gets(buyer) -> None:
    found = verify(buyer)
    assert (found.code, found.json["verdict"]) == (0, "trusted"), found.out
    assert found.check("terms.partitions")["state"] == "pass"
    names = [part["name"] for part in found.check("terms")["detail"]["partitions"]]
    assert names == ["open", "client", "rest"]
    assert found.check("terms")["detail"]["permits"] == ["train"]
    law = found.check("regulatory")
    assert (law["state"], law["detail"]["reason"]) == ("warn", "unsigned-warrant")
    assert "Lex LLP" in law["summary"]
    rows = found.check("quality")["detail"]["measurements"]
    assert {row["metric"] for row in rows} == {"exactDuplicateRate", "metadataShare", "wordCount"}
    assert {row["result"] for row in rows} == {"equal", "within-rounding"}
    assert not any("recomputed" in line for line in found.json["notProven"])
    readme = (buyer.folder / "delivery" / "README.md").read_text("utf-8")
    assert "### client: 4 files" in readme
    assert (buyer.folder / "delivery" / "LICENCE-LicenseRef-NDA.txt").is_file()

    text = buyer.folder / "delivery" / "LICENCE-LicenseRef-NDA.txt"
    text.write_bytes(text.read_bytes() + b"And you may hand it on.\n")
    altered = verify(buyer)
    assert altered.code == 5
    assert altered.check("terms")["detail"]["reason"] == "altered"
    text.unlink()
    assert verify(buyer).check("terms")["detail"]["reason"] == "missing-file"


def test_a_union_is_printed_by_its_name_and_signed_as_its_members(buyer, publisher) -> None:
    limits = 'limits = { territory = ["EU", "CH"] }'
    (publisher.folder / "eu.toml").write_text(
        f'[[partition]]\nname = "whole"\npermits = ["train"]\n{limits}\n'
        '[texts]\nLicenseRef-NDA = "nda.txt"\n'
    )
    publisher.ok("issue", "acme/docs", "-o", "eu", "--terms", "eu.toml")
    folder = publisher.folder / "eu"
    printed = [
        buyer.ok("verify", folder).out,
        buyer.ok("terms", folder).out,
        buyer.fails(14, "terms", folder, "--purpose", "train", "--territory", "US").out,
        (folder / "README.md").read_text("utf-8"),
    ]
    for text in printed:
        assert "EU, CH" in text
        assert "AT, BE" not in text
    report = buyer.ok("verify", folder, "--json")
    (part,) = report.check("terms")["detail"]["partitions"]
    assert len(part["limits"]["territory"]) == 28
    assert "EU" not in part["limits"]["territory"]


def test_what_may_be_done_and_what_decides_it(buyer, publisher) -> None:
    folder = buyer.folder / "delivery"
    mixed = buyer.ok("terms", folder, "--json").json
    assert mixed["answers"]["train"]["answer"] == "permitted"
    assert mixed["answers"]["redistribute"] == {
        "answer": "prohibited",
        "decidedBy": [{"dataset": "datasets/acme/docs", "partition": "client"}],
    }
    assert mixed["duties"].keys() == {"attribution", "deleteOnExpiry"}
    assert mixed["limits"]["seats"] == 5
    assert mixed["sources"][0]["trusted"]

    where = ("--territory", "DE", "--seats", "2")
    assert buyer.run("terms", folder, "--purpose", "train", *where).code == 0
    assert buyer.run("terms", folder, "--purpose", "train").code == 14  # limits undeclared
    abroad = buyer.run("terms", folder, "--purpose", "train", "--territory", "US", "--seats", "2")
    assert abroad.code == 14
    assert "only in DE, FR" in abroad.out
    no = buyer.run("terms", folder, "--purpose", "train,commercialUse", *where)
    assert no.code == 14
    assert "partition client" in no.out
    assert buyer.run("terms", folder, "--territory", "DE").code == 2
    for misspelt in (("trian",), ("train", "--for", "science"), ("train", "--territory", "UK")):
        asked = buyer.run("terms", folder, "--purpose", *misspelt, "--json")
        assert (asked.code, asked.kind) == (16, "unknown-word")
    buyer.ok("trust", "remove", publisher.did())
    assert buyer.run("terms", folder, "--purpose", "train", *where).code == 4


def test_two_credentials_about_one_dataset_are_distinguished(buyer, publisher) -> None:
    commit = ("commit", publisher.folder / "documents", "-d", "acme/docs")
    publisher.ok(*commit, "--licence", "CC-BY-4.0", "--yes")
    ids = {}
    for folder, grantable in (("never", "modify"), ("perhaps", "modify,train")):
        offer = ("--permit", "evaluate", "--grantable", grantable)
        made = publisher.ok("issue", "acme/docs", "-o", buyer.folder / folder, *offer, "--json")
        ids[folder] = made.json["credential"].removeprefix("blake3:")[:12]
    for order in (("never", "perhaps"), ("perhaps", "never")):
        printed = buyer.ok("terms", *order).out
        (train,) = (line for line in printed.splitlines() if line.split()[1] == "train")
        named = [f"datasets/acme/docs, credential {ids[folder]}" for folder in order]
        assert train.endswith(f"not stated, so no  ({named[0]}; {named[1]})")
        assert all(f"{name}  by did:key:" in printed for name in named)
    alone = buyer.ok("terms", "perhaps").out
    assert "credential" not in alone
    assert "not stated, so no; its publisher can grant it to you by name" in alone


def test_a_name_stands_for_the_partitions_it_uses(publisher, delivery) -> None:
    recipe = publisher.folder / "recipe.toml"
    recipe.write_text(
        'recipe = 1\n[[step]]\nuse = "allow/1"\ncolumn = "origin"\nvalues = ["web"]\n'
    )
    publisher.ok("filter", "acme/docs", "--recipe", recipe, "--as", "acme/web")
    whole = publisher.run("terms", "acme/docs", "--purpose", "train,commercialUse")
    assert whole.code == 14
    found = publisher.ok("terms", "acme/web", "--purpose", "train,commercialUse", "--json").json
    assert found["sources"][0]["partitions"] == ["open"]
    assert found["use"]["answer"] == "permitted"

    # What a filter changed may be any file it read: choose first, then change.
    choose = recipe.read_text()
    change = '[[step]]\nuse = "redact/1"\npatterns = ["email"]\n'
    for source, steps, name, code in (
        ("acme/docs", choose + change, "acme/both", 14),
        ("acme/web", "recipe = 1\n" + change, "acme/clean", 0),
    ):
        recipe.write_text(steps)
        publisher.ok("filter", source, "--recipe", recipe, "--as", name)
        found = publisher.run("terms", name, "--purpose", "train,commercialUse", "--json")
        assert found.code == code, found.out
    both = publisher.run("terms", "acme/web", delivery, "--purpose", "train,commercialUse")
    assert both.code == 14


def test_forged_terms_are_unknown_and_not_exported(buyer) -> None:
    export = ("w3c", "export", "--format", "odrl")
    policy = json.loads(buyer.ok(*export, buyer.folder / "delivery").out)
    assert policy["type"] == "Offer"
    assert {rule["action"] for rule in policy["permission"]} >= {"lyrik:train", "cc:CommercialUse"}
    out = buyer.folder / "policy.jsonld"
    buyer.ok(*export, buyer.folder / "delivery", "-o", out)
    assert json.loads(out.read_text("utf-8")) == policy
    assert buyer.run(*export, buyer.folder / "delivery", "-o", out).code == 15

    file = buyer.folder / "delivery" / "credential.json"
    file.write_text(file.read_text("utf-8").replace('"redistribute"', '"evaluate"', 1), "utf-8")
    assert buyer.run(*export, file).code == 3
    found = buyer.run("terms", file, "--purpose", "train", "--json")
    assert found.code == 14
    assert found.json["use"]["answer"] == "unknown"

    for mistake in ("edited", "unsigned"):
        if mistake == "unsigned":
            document = json.loads(file.read_text("utf-8"))
            del document["proof"]
            file.write_text(json.dumps(document), "utf-8")
        found = buyer.run("terms", file, "--json")
        assert (found.code, found.json["verdict"]) == (3, "invalid"), mistake
        assert {one["answer"] for one in found.json["answers"].values()} == {"unknown"}
        assert "invalid" in buyer.run("terms", file).out


def test_terms_say_what_their_credential_is_worth(buyer, publisher) -> None:
    folder = buyer.folder / "delivery"
    assert buyer.ok("terms", folder, "--json").json["sources"][0]["verdict"] == "trusted"
    old = buyer.run("terms", folder, "--at", "2020-01-01T00:00:00Z", "--json")
    assert (old.code, old.json["verdict"]) == (3, "invalid")
    assert {one["answer"] for one in old.json["answers"].values()} == {"unknown"}
    buyer.ok("trust", "remove", "Acme")
    unknown = buyer.run("terms", folder)
    assert unknown.code == 4
    assert "valid: nobody you trust" in unknown.out

    publisher.ok("commit", publisher.folder / "documents", "-d", "acme/bare")
    none = publisher.run("terms", "acme/docs", "acme/bare", "--json")
    assert (none.code, none.json["verdict"]) == (5, "incomplete")


MISTAKES = [
    (('path = "news"', 'path = "mail"'), "is in partitions"),
    (('path = "news"', 'path = "nowhere"'), "selects no file"),
    (('"client"]', '"clients"]'), "selects no file"),
    (('licence = "CC-BY-4.0"', 'licence = "MIT"'), "does not"),
    (('licence = "CC-BY-4.0"', 'licence = "CC-BY-9.0"'), "CC-BY-4.0"),
    (('"DE", "FR"', '"DE", "UK"'), "ISO 3166"),
    (('permits = ["train"]', 'permits = ["trian"]'), "use train"),
    (('LicenseRef-NDA = "nda.txt"', ""), "text is missing"),
    (('"nda.txt"', '"../terms.toml"'), "not in the folder"),
    (("wordCount/1", "wordCount/7"), "wordCount/1"),
    (('basis = "Art. 6(1)(a)"\n', ""), "basis"),
    (("[[partition]]", "permit = 1\n[[partition]]"), "permit"),
    (("[[partition]]", "[[partition"), "not TOML"),
    (("asOf = 2026-01-01", "asOf = 2999-01-01"), "a future day"),
]


def test_what_is_no_dataset_credential_states_no_terms(new_person) -> None:
    person = new_person("anybody")
    file = person.folder / "other.json"
    for content in ("no JSON at all", "[]", '{"type": ["VerifiableCredential"]}'):
        file.write_text(content)
        for purpose in ((), ("--purpose", "train")):
            error = person.fails(16, "terms", "other.json", *purpose, "--json").error
            assert error["kind"] == "not-a-credential"
            assert "other.json" in error["message"]
            assert error["hint"]


def test_a_terms_file_that_does_not_fit_is_refused(publisher, delivery) -> None:
    file, out = publisher.folder / "terms.toml", publisher.folder / "x"
    for change, words in MISTAKES:
        file.write_text(TERMS.replace(*change, 1))
        run = publisher.run("issue", "acme/docs", "-o", out, "--terms", file)
        assert run.code == 16, (change, run.out, run.err)
        assert words in run.err
        assert not out.exists()
    file.write_text(TERMS.replace('"nda.txt"', '"absent.txt"'))
    absent = publisher.fails(1, "issue", "acme/docs", "-o", out, "--terms", file, "--json")
    assert absent.kind == "no-file"
    for more in ([], ["--terms", file, "--permit", "train"]):
        assert publisher.run("issue", "acme/docs", "-o", out, *more).code == 2
