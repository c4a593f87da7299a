"""What a command says to do next can be done, word for word, and does what it is for."""

import json
import re
import shlex
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from lyrikstore.canon.timestamps import format_timestamp, now
from tests.conftest import Person

NAME = "acme/docs"
STATUS = "https://acme.example/status"
STATEMENT = """
extent = "all"
standard = "by eye"
method = "read"
conclusion = "labels are right"
limitations = ["one reader"]
liability = "nobody"
[[results]]
metric = "labelErrorRate"
value = "0.01"
"""


@pytest.fixture
def delivery(once, publisher) -> Path:
    def make(publisher: Person) -> None:
        documents = publisher.folder / "documents"
        documents.mkdir()
        for number in range(20):
            (documents / f"{number}.txt").write_text(f"letter {number}\n")
        publisher.ok("commit", documents, "-d", NAME, "--licence", "CC0-1.0")
        issued = publisher.ok(
            *("issue", NAME, "-o", "delivery", "--permit", "evaluate", "--grantable", "train"),
            *("--status-url", STATUS),
        )
        assert "credential publish" in issued.err

    once(publisher, make)
    return publisher.folder / "delivery"


@pytest.fixture
def buyer(new_person, publisher, delivery):
    person = new_person("buyer")
    person.ok("trust", "add", publisher.did(), "--name", "Acme")
    shutil.copytree(delivery, person.folder / "delivery")
    return person


def step(text: str, command: str, **words: str) -> list[str]:
    """Return the arguments of the one command of that name in a hint, its capitals filled in."""
    (found,) = re.findall(rf"lyrikstore ({command} .*?)(?:;|$)", text, re.MULTILINE)
    return [words.get(word, word) for word in shlex.split(found)]


def test_who_attests_is_believed_for_that_and_nothing_else(buyer, delivery, new_person) -> None:
    auditor = new_person("auditor")
    auditor.ok("key", "new", "--no-passphrase")
    (auditor.folder / "audit.toml").write_text(STATEMENT)
    (auditor.folder / "letter.txt").write_text("reasons")
    who = auditor.did()
    attest = ("attest", delivery, "--kind", "quality", "--statement", "audit.toml", "-o", "x.json")
    (auditor.folder / "audit.toml").write_text(STATEMENT.partition("[[")[0])
    lacking = auditor.fails(16, *attest).err
    assert "the statement: 'results' is missing" in lacking
    assert "docs/grants.md shows a whole statement" in lacking
    (auditor.folder / "audit.toml").write_text(STATEMENT)
    for kind, file, role in (("quality", "a.json", "auditor"), ("legal", "b.json", "lawyer")):
        auditor.ok(
            *("attest", delivery, "--kind", kind, "--statement", "audit.toml"),
            *("--document", "letter.txt", "-o", file),
        )
        shutil.copy(auditor.folder / file, buyer.folder)
        shutil.copy(auditor.folder / "letter.txt", buyer.folder)
        unknown = buyer.fails(4, "verify", file)
        printed = buyer.ok(*step(unknown.err, "trust add", NICKNAME="Audit"))
        assert buyer.run("verify", file).code == 0, unknown.err
        asked = buyer.run("trust", "check", "--about", who, NAME)
        assert asked.code == 4, asked.out  # never as a publisher
        assert f"as {role} of every name" in printed.out


def test_who_trusts_the_publisher_alone_learns_how_to_believe_who_attests(
    buyer, delivery, new_person
) -> None:
    auditor = new_person("auditor")
    auditor.ok("key", "new", "--no-passphrase")
    (auditor.folder / "audit.toml").write_text(STATEMENT)
    (auditor.folder / "letter.txt").write_text("reasons")
    beside = buyer.folder / "delivery"
    for kind in ("quality", "legal"):
        auditor.ok(
            *("attest", delivery, "--kind", kind, "--statement", "audit.toml"),
            *("--document", "letter.txt", "-o", beside / f"{kind}.json"),
        )
    shutil.copy(auditor.folder / "letter.txt", beside)
    for kind, role in (("legal", "lawyer"), ("quality", "auditor")):
        said = buyer.ok("verify", "delivery").err
        (line,) = [line for line in said.splitlines() if f"attestation ({kind})" in line]
        assert f"--role {role}" in line
        buyer.ok(*step(line, "trust add", NICKNAME="Audit"))
    assert "attestation (" not in buyer.ok("verify", "delivery").err


def test_the_hint_revokes_trust(new_person, publisher) -> None:
    person = new_person("buyer")
    added = person.ok("trust", "add", publisher.did(), "--name", "my supplier")
    assert "as publisher of every name" in added.out
    more = ("--role", "auditor", "--claim", "legal", "--until", "2030-01-01T00:00:00Z")
    person.ok("trust", "add", publisher.did(), "--name", "my supplier", *more)
    listed = person.ok("trust", "list").out
    assert "auditor about legal of every name, until 2030-01-01T00:00:00Z" in listed
    person.ok(*step(added.err, "trust remove"))
    assert not person.ok("trust", "list", "--json").json["issuers"]


def test_an_organisation_needs_its_document(new_person) -> None:
    person = new_person("buyer")
    web = "did:web:acme.example"
    person.ok("key", "new", "--no-passphrase")
    person.ok("key", "document", web, "-o", "did.json")
    added = person.ok("trust", "add", web, "--name", "Acme")
    assert "Nothing says which keys" in person.ok("trust", "check").out
    pinned = person.ok(*step(added.err, "trust add", FILE="did.json"))
    assert "Nothing says which keys" not in person.ok("trust", "check").out
    assert "its keys are not known yet" not in pinned.err


def test_a_slip_in_the_trust_file_is_said_with_the_file(new_person) -> None:
    person = new_person("buyer")
    file = Path(person.ok("trust", "list", "--json").json["file"])
    file.parent.mkdir(parents=True)
    file.write_text("version = 1\nmaxStatusDay = 14\n")
    for command in (("trust", "check"), ("trust", "set", "maxStatusDays", "14")):
        error = person.fails(16, *command, "--json").error
        assert (str(file) in error["message"], "docs/trust.md" in error["hint"]) == (True, True)


def test_an_attestation_that_stays_for_ever_says_so(delivery, new_person) -> None:
    auditor = new_person("auditor")
    auditor.ok("key", "new", "--no-passphrase")
    auditor.ok("init")
    (auditor.folder / "audit.toml").write_text(STATEMENT)
    attest = ("attest", delivery, "--kind", "quality", "--statement", "audit.toml")
    assert "cannot be revoked" in auditor.ok(*attest, "-o", "for-ever.json").err
    again = auditor.ok(*attest, "-o", "audit.json", "--status-url", STATUS)
    assert "cannot be revoked" not in again.err
    auditor.ok("credential", "revoke", "audit.json")


def test_the_founding_of_a_store_cannot_be_suspect(publisher) -> None:
    refused = publisher.fails(16, "key", "revoke", "default", "--suspect-from", "0", "--json")
    assert "found a new store" in refused.error["hint"]


def test_a_list_that_ran_out_is_to_be_fetched_anew(buyer) -> None:
    assert "status lists" not in buyer.ok("verify", "delivery").err
    then = format_timestamp(now() + timedelta(days=40))
    late = buyer.fails(5, "verify", "delivery", "--at", then)
    assert late.err.count("newest status lists: --fetch, or --status") == 1
    for path in (buyer.folder / "delivery").glob("status-*"):
        path.unlink()
    assert "--status" in buyer.fails(5, "verify", "delivery").err


def test_the_readme_of_a_delivery_is_no_card(buyer, delivery) -> None:
    readme = (delivery / "README.md").read_text("utf-8")
    assert "| if granted to you by name | train |" in readme
    suspensions = next(delivery.glob("status-suspension-*")).name
    assert f"`{suspensions}` | whether the publisher had suspended it" in readme
    found = buyer.fails(10, "verify", "delivery/README.md")
    buyer.ok(*step(found.err, "verify"))


def test_why_is_asked_of_a_part_that_is_there(publisher, delivery) -> None:
    recipe = publisher.folder / "recipe.toml"
    recipe.write_text(
        'recipe = 1\n[[step]]\nuse = "split/1"\ntrain = 0.6\nvalidation = 0.2\ntest = 0.2\n'
    )
    split = publisher.ok("filter", NAME, "--recipe", recipe, "--as", "acme/task")
    publisher.ok(*step(split.err, "why", RECORD="0.txt"))


def test_all_files_of_a_grant_are_named(publisher, delivery, buyer) -> None:
    buyer.ok("key", "new", "--no-passphrase")
    made = publisher.ok(
        *("grant", "delivery", "--to", buyer.did(), "--permit", "train", "--until", "30d"),
        *("--status-url", STATUS, "-o", "grant.json"),
    )
    written = {path.name for path in publisher.folder.glob("grant*")}
    assert len(written) > 1
    assert all(name in made.out for name in written), made.out
    for name in written:
        shutil.copy(publisher.folder / name, buyer.folder / "delivery")
    terms = buyer.fails(16, "terms", "delivery/grant.json", "--json")
    assert terms.kind == "not-a-credential"
    asked = ("--challenge", "7c5f1a9e", "--domain", "data.example")
    buyer.ok("present", "delivery/grant.json", *asked, "-o", "shown.json")
    shown = buyer.ok("verify", "shown.json", *asked, "--status", "delivery").out
    assert re.findall(r"presents (.*) urn:", shown) == ["a licence grant about", "the terms of"]


def test_a_digest_too_short_to_name_a_credential(publisher, delivery) -> None:
    credential = json.loads((delivery / "credential.json").read_text("utf-8"))
    short = publisher.fails(1, "credential", "revoke", credential["id"][:12], "--json")
    assert short.kind == "no-credential"
    publisher.ok("key", "new", "other", "--no-passphrase")
    for command in (("suspend", "delivery"), ("revoke", "delivery")):
        assert "--signer" in publisher.fails(14, "credential", *command, "--signer", "other").err


def test_a_buyer_learns_what_he_could_be_granted(buyer) -> None:
    printed = buyer.ok("terms", "delivery").out
    assert re.search(
        r"train +not stated, so no; its publisher can grant it to you by name", printed
    )
    assert re.search(r"modify +not stated, so no  \(", printed)


def test_where_nobody_can_be_asked_the_right_option_is_named(publisher, new_person) -> None:
    refused = new_person("machine").fails(12, "key", "new", "--json")
    assert refused.kind == "passphrase-missing"
    assert "--no-passphrase" in refused.error["hint"]
    assert "--backup-passphrase-file" in publisher.fails(12, "key", "backup", "-o", "keys").err
    assert "remote add origin URL" in publisher.fails(1, "push").err
    for name in ("one", "two"):
        publisher.ok("remote", "add", name, publisher.folder / name, "--mirror")
    assert publisher.fails(1, "push", "--json").kind == "no-remote"


def test_a_verdict_names_what_decided_it(buyer) -> None:
    for found in (buyer.folder / "delivery").glob("status-*"):
        found.unlink()
    seen = buyer.run("verify", "delivery")
    assert seen.code == 5
    assert " ? status " in seen.out
    assert seen.out.splitlines()[-1].endswith(": not checked: status")
    (buyer.folder / "delivery" / "data" / "3.txt").unlink()
    seen = buyer.run("verify", "delivery")
    assert "not checked: status, data.files" in seen.out.splitlines()[-1]
    assert "ask whoever gave it to you for the missing files" in seen.err
    (buyer.folder / "delivery" / "data" / "3.txt").write_text("another letter\n")
    assert "1 check failed: data.files" in buyer.run("verify", "delivery").out.splitlines()[-1]


def test_a_grant_without_its_terms_says_where_they_are(publisher, buyer, delivery) -> None:
    buyer.ok("key", "new", "--no-passphrase")
    grant = ("grant", delivery, "--permit", "train", "--until", "30d", "-o", "grant.json", "--to")
    slip = buyer.did()[:-1]
    for nobody, why in (("Buyer Ltd", "not a DID"), (slip, "a licence can be granted to")):
        refused = publisher.fails(16, *grant, nobody)
        assert why in refused.err
        assert "lyrikstore key show" in refused.err
    publisher.ok(*grant, buyer.did())
    shutil.copy(publisher.folder / "grant.json", buyer.folder)
    seen = buyer.run("verify", "grant.json")
    assert seen.code == 5
    assert "credential.json of that delivery" in seen.err
    shutil.copy(publisher.folder / "grant.json", buyer.folder / "delivery")
    buyer.ok("verify", "delivery/grant.json")


def test_what_is_revoked_already_still_has_to_be_published(publisher, delivery) -> None:
    publisher.ok("credential", "revoke", delivery)
    again = publisher.fails(15, "credential", "revoke", delivery)
    assert "is revoked already" in again.err
    assert "credential publish" in again.err


def test_a_folder_that_cannot_be_made_is_no_remote(publisher) -> None:
    publisher.ok("commit", _letter(publisher), "-d", NAME)
    nowhere = publisher.folder / "not-mounted" / "backup"
    refused = publisher.fails(13, "remote", "add", "backup", nowhere, "--json")
    assert refused.kind == "remote-missing"
    publisher.ok("remote", "add", "backup", nowhere, "--offline")
    for pushed in (publisher.fails(13, "push", "--mirror"), publisher.fails(13, "push")):
        assert f"its parent folder {nowhere.parent} does not exist" in pushed.err
        assert "mount its disk" in pushed.err
    # The log is at home here as before: a push that cannot even begin moves nothing.
    again = publisher.ok("commit", publisher.folder / "letters", "-d", "acme/more").out
    assert "in the log of this clone" not in again
    publisher.ok("remote", "remove", "backup")
    publisher.ok("remote", "add", "backup", publisher.folder.parent / "home")
    assert "the home of this log" in publisher.ok("push").out


def _letter(person) -> Path:
    folder = person.folder / "letters"
    folder.mkdir()
    (folder / "one.txt").write_text("one\n")
    return folder


def test_a_key_does_not_succeed_itself(publisher) -> None:
    refused = publisher.fails(15, "key", "rotate", "default", "--json")
    assert refused.kind == "key-used"
    publisher.ok("key", "new", "next", "--no-passphrase")
    publisher.ok("key", "rotate", "next")
    assert (
        publisher.fails(15, "key", "rotate", "default", "--signer", "next", "--json").kind
        == "key-used"
    )


def test_a_model_in_a_folder_of_other_things_is_found(publisher) -> None:
    model = publisher.folder / "package" / "model"
    model.mkdir(parents=True)
    (publisher.folder / "package" / "__init__.py").write_text("print(1)\n")
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(bytes((2, 0, 0, 0, 0, 0, 0, 0)) + b"{}")
    refused = publisher.fails(16, "commit", "package", "-d", "checkpoints/acme/base", "--json")
    assert refused.kind == "not-the-model"
    publisher.ok("commit", "package/model", "-d", "checkpoints/acme/base")


def test_a_delivery_is_no_store(publisher, delivery) -> None:
    refused = publisher.fails(10, "log", "--store", delivery)
    assert "there is no store here, but a delivery" in refused.err
    assert "lyrikstore import DELIVERY" in refused.err


def test_a_folder_that_was_moved_is_committed_from_where_it_is(publisher) -> None:
    letters = _letter(publisher)
    publisher.ok("commit", letters, "-d", NAME)
    moved = letters.rename(publisher.folder / "elsewhere")
    seen = publisher.ok("status")
    assert "if the folder was moved" in seen.err
    publisher.ok(*step(seen.err, "commit", PATH=str(moved)))


def test_a_union_of_states_that_is_not_known_is_the_list_of_its_members(buyer) -> None:
    asked = ("terms", "delivery", "--purpose", "evaluate", "--territory")
    printed = buyer.fails(16, *asked, "EFTA").err
    assert "EU and EEA stand for their members" in printed
    buyer.ok(*asked, "CH,IS,LI,NO")


@pytest.mark.train
def test_a_base_model_that_is_not_there_is_to_be_committed(publisher, delivery) -> None:
    config = ["purpose = 'train'", "name = 'checkpoints/acme/m'", "[data]"]
    config += [f"train = '{NAME}'", "validation = 'acme/more'", "label = 'kind'"]
    config += ["[model]", "base = 'checkpoints/acme/minilm'"]
    (publisher.folder / "more").mkdir()
    (publisher.folder / "more" / "one.txt").write_text("one")
    publisher.ok("commit", "more", "-d", "acme/more")
    (publisher.folder / "train.toml").write_text("\n".join(config))
    refused = publisher.fails(1, "train", "train.toml")
    assert "the base model: there is no checkpoints/acme/minilm" in refused.err
    # What is told is right for a model: a folder without weights is not taken for one.
    printed = step(refused.err, "commit", FOLDER="more")
    assert publisher.fails(16, *printed, "--json").kind == "no-weights"


def test_a_replaced_key_of_an_organisation_learns_which_one_may_sign(publisher, delivery) -> None:
    web = ("--issuer", "did:web:acme.example", "--status-url", STATUS)
    publisher.ok("key", "new", "next", "--no-passphrase")
    publisher.ok("key", "rotate", "next")
    publisher.ok("issue", NAME, "-o", "later", "--permit", "train", *web, "--signer", "next")
    refused = publisher.fails(14, "credential", "revoke", "later", "--json")
    assert refused.kind == "not-the-issuer"
    publisher.ok("credential", "revoke", "later", "--signer", "next")


def test_a_buyer_who_trusts_nobody_yet_learns_it_when_importing(
    publisher, delivery, new_person
) -> None:
    person = new_person("importing")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    said = person.ok("import", delivery).err
    assert "you do not trust its publisher yet; compare the key with one" in said
    assert f"lyrikstore trust add {publisher.did()} --name NICKNAME" in said


def test_a_model_that_is_committed_as_a_dataset(publisher) -> None:
    model = publisher.folder / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(bytes((2, 0, 0, 0, 0, 0, 0, 0)) + b"{}")
    assert "look like a model" not in publisher.ok("commit", model, "-d", "acme/numbers").err
    (model / "config.json").write_text("{}")
    assert "look like a model" not in publisher.ok("commit", model, "-d", "acme/numbers").err
    said = publisher.ok("commit", model, "-d", "acme/minilm").err
    assert "these files look like a model, to be named checkpoints/NAMESPACE/NAME" in said
    assert "look like a model" not in publisher.ok("commit", model, "-d", "checkpoints/a/b").err
