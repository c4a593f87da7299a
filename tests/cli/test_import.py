"""A publisher takes in what an auditor signed; a buyer takes in the publisher's dataset."""

import shutil

import pytest

from lyrikstore import Store
from lyrikstore.api import KeyFolder
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.timestamps import now
from lyrikstore.credentials.terms.model import Use
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import sign_manifest
from lyrikstore.verify.rights.required import check_rights
from tests.cli.small_runs import lines
from tests.cli.small_runs import rows as small_rows
from tests.conftest import Person

STATUS = "https://data.example/status"
STATEMENT = """
extent = "all"
standard = "ISO/IEC 5259-2:2024"
method = "two people read every record"
conclusion = "no label errors were found"
limitations = ["nothing was compared with its source"]
liability = "Audit GmbH, up to EUR 100,000"
results = [{metric = "labelErrorRate", value = "0.000"}]
"""


@pytest.fixture
def delivery(once, publisher):
    def make(publisher: Person) -> None:
        documents = publisher.folder / "documents"
        documents.mkdir()
        for n in range(5):
            (documents / f"{n}.txt").write_text(f"document {n}\n")
        (publisher.folder / "sheet.csv").write_text(
            "path,topic\n" + "".join(f"{n}.txt,topic {n}\n" for n in range(5))
        )
        publisher.ok("commit", documents, "-d", "acme/docs", "--metadata", "sheet.csv")
        folder = publisher.folder / "delivery"
        publisher.ok(
            "issue", "acme/docs", "-o", folder, "--permit", "train", "--status-url", STATUS
        )

    once(publisher, make)
    return publisher.folder / "delivery"


@pytest.fixture
def auditor(new_person, delivery):
    person = new_person("auditor")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    shutil.copytree(delivery, person.folder / "delivery")
    (person.folder / "audit.toml").write_text(STATEMENT)
    person.ok(
        *("attest", "delivery", "--kind", "quality", "--statement", "audit.toml"),
        *("--status-url", "https://audit.example/status", "-o", "attestation.json"),
    )
    return person


@pytest.fixture
def buyer(new_person, publisher):
    person = new_person("buyer")
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    person.ok("trust", "add", publisher.did(), "--name", "Acme")
    return person


def log_size(person):
    return person.ok("log", "--audit", "--json").json["logSize"]


def test_an_attestation_travels_from_auditor_to_buyer(publisher, auditor, buyer) -> None:
    original = (auditor.folder / "attestation.json").read_bytes()
    taken = publisher.ok("import", auditor.folder / "attestation.json", "--json").json["imported"]
    assert len(taken[0]["logged"]) == 5  # with two status lists, and a log proof and its store
    size = log_size(publisher)
    again = publisher.ok("import", auditor.folder / "attestation.json", "--json").json["imported"]
    assert (again[0]["logged"], again[0]["loggedBefore"]) == ([], taken[0]["logged"][:1])
    assert log_size(publisher) == size
    assert "no label errors" in publisher.ok("log", "acme/docs").out
    assert "no label errors" in publisher.ok("show", "acme/docs").out
    shown = publisher.ok("show", taken[0]["logged"][0], "--raw")
    assert shown.out.encode() == original
    assert publisher.run("verify", "--json").json["verdict"] == "trusted"

    # Later deliveries hand it on; where it lies and what it is called does not matter.
    second = publisher.folder / "second"
    publisher.ok("issue", "acme/docs", "-o", second, "--permit", "train")
    (found,) = [path for path in second.glob("*.json") if path.read_bytes() == original]
    found.rename(second / "whatever.txt")
    buyer.ok("trust", "add", auditor.did(), "--name", "Audit", "--role", "auditor")
    verify = ("verify", second, "--data", second / "data", "--json")
    check = buyer.ok(*verify).check("attestations")
    assert check["state"] == "stated"
    assert [one["trusted"] for one in check["detail"]["attestations"]] == [True]

    # Taken back, it is not handed on any more.
    auditor.ok("credential", "revoke", "attestation.json", "-o", "public")
    public = auditor.folder / "public"
    publisher.ok("import", *public.glob("revocation-*"))
    third = publisher.folder / "third"
    publisher.ok("issue", "acme/docs", "-o", third, "--permit", "train")
    assert not list(third.glob("attestation-*"))
    run = buyer.run(*verify, "--status", public)
    assert (run.code, run.check("attestations")["detail"]["reason"]) == (3, "revoked")


def test_what_is_not_taken_in(publisher, auditor, buyer, delivery) -> None:
    attestation = auditor.folder / "attestation.json"
    size = log_size(publisher)
    edited = publisher.folder / "edited.json"
    edited.write_text(attestation.read_text().replace("no label errors", "no other errors"))
    assert "proof" in publisher.fails(3, "import", edited).err
    (publisher.folder / "note.json").write_text("{}")
    assert publisher.fails(16, "import", "note.json")
    assert publisher.fails(16, "import", delivery / "genesis.json")
    assert buyer.fails(1, "import", attestation, "--json").kind == "unknown-content"
    # A list that no credential here names, and an older one than is here.
    (lists,) = auditor.folder.glob("attestation-status-revocation-*")
    assert publisher.fails(1, "import", lists)
    assert publisher.fails(1, "import", "nowhere.json")
    assert log_size(publisher) == size
    publisher.ok("import", attestation)
    auditor.ok("credential", "revoke", "attestation.json", "-o", "public")
    publisher.ok("import", *(auditor.folder / "public").glob("revocation-*"))
    old = publisher.folder / "old.json"
    shutil.copy(lists, old)
    size = log_size(publisher)
    publisher.ok("import", old, attestation)  # both are known already
    assert publisher.fails(3, "import", edited)
    assert log_size(publisher) == size


def test_a_delivery_becomes_a_dataset_of_ones_own(publisher, buyer, delivery) -> None:
    taken = buyer.ok("import", delivery, "--json").json["imported"][0]
    theirs = publisher.ok("show", "acme/docs", "--json").json
    ours = buyer.ok("show", "acme/docs", "--json").json
    assert taken["changed"]
    for member in ("tree", "files"):
        assert ours["manifest"][member] == theirs["manifest"][member]
    assert ours["id"] != theirs["id"]
    assert ours["manifest"]["body"]["origin"] == "imported"
    roles = {item["role"] for item in ours["manifest"]["attachments"]}
    assert roles >= {"foreign-credential", "foreign-manifest", "foreign-genesis", "salts"}
    assert buyer.run("verify", "--json").json["verdict"] == "trusted"
    # What its publisher permits about their version is a right to use ours.
    config = buyer.home / ".config" / "lyrikstore"
    store = Store.open(buyer.folder, memory_dir=buyer.home / "m", trust_file=config / "trust.toml")
    source = store.resolve("acme/docs")
    (right,) = check_rights(store.repository, [source], Use(("train",), now()), trust=store.trust)
    assert (right.dataset, right.issuer) == (source.id, publisher.did())
    with pytest.raises(PolicyError, match="modify is not permitted"):
        check_rights(store.repository, [source], Use(("modify",), now()), trust=store.trust)
    buyer.ok("checkout", "acme/docs", "out")
    assert (buyer.folder / "out" / "3.txt").read_text() == "document 3\n"
    size = log_size(buyer)
    assert not buyer.ok("import", delivery, "--json").json["imported"][0]["changed"]
    assert log_size(buyer) == size

    # The next version of theirs is the next version of ours; another dataset of that name is not.
    (publisher.folder / "documents" / "3.txt").write_text("document 3, corrected\n")
    publisher.ok("commit", "documents", "-d", "acme/docs", "--metadata", "sheet.csv")
    second = publisher.folder / "second"
    publisher.ok("issue", "acme/docs", "-o", second, "--permit", "train")
    assert buyer.ok("import", second, "--json").json["imported"][0]["changed"]
    assert len(buyer.ok("log", "acme/docs", "--json").json["versions"]) == 2
    buyer.ok("commit", "out", "-d", "acme/other")
    assert buyer.fails(15, "import", second, "--as", "acme/other", "--json").kind == "name-taken"
    buyer.ok("import", second, "--as", "theirs/docs")
    assert "nothing new" in publisher.ok("import", second).out  # its own


def test_an_import_is_judged_as_its_delivery(publisher, buyer, delivery) -> None:
    """ATTACK A118: the publisher revoked it, or it has run out, and the buyer does not see it."""
    buyer.ok("import", delivery)

    def both(*more: object) -> tuple[int, dict[str, str]]:
        """Return what a delivery and what was taken in are said to be, which is the same."""
        status = ("--status", publisher.folder / "public") if public else ()
        handed = buyer.run("verify", delivery, *status, *more, "--json")
        held = buyer.run("verify", "acme/docs", *more, "--json")
        assert (held.code, held.json["verdict"]) == (handed.code, handed.json["verdict"]), held.out
        sources = held.check("rights.sources")["detail"]
        assert held.json.get("standing") == handed.json.get("standing")
        return held.code, sources

    public = None
    code, detail = both()
    assert code == 0
    for target in ("acme/docs", delivery):  # said before all checks
        assert detail["asOf"] in buyer.ok("verify", target).out.splitlines()[1]
    until = buyer.run("verify", delivery, "--json").check("period")["detail"]["validUntil"]
    later = str(int(until[:4]) + 1) + until[4:]
    code, detail = both("--at", later)
    assert (code, detail["reason"]) == (3, "expired")
    month = f"{int(until[:4])}-06-01T00:00:00Z"
    code, detail = both("--at", month)  # no list of that age is here
    assert (code, detail["reason"]) == (5, "expired-list"), detail
    (buyer.folder / "nobody.toml").write_text("")
    code, detail = both("--trust", "nobody.toml")
    assert (code, detail["reason"]) == (4, "unknown-issuer")
    public = publisher.folder / "public"
    publisher.ok("credential", "revoke", delivery, "-o", public)
    buyer.ok("import", *public.rglob("*.json"))
    code, detail = both()
    assert (code, detail["reason"]) == (3, "revoked")
    # Nobody gives it back but the publisher.
    buyer.run("trust", "add", buyer.did(), "--name", "Me")
    assert (
        buyer.fails(14, "permit", "acme/docs", "--permit", "train", "--json").kind
        == "wider-than-sources"
    )
    assert buyer.run("verify", "acme/docs").code == 3
    publisher.ok("issue", "acme/docs", "-o", "anew", "--permit", "train", "--status-url", STATUS)
    buyer.ok("import", publisher.folder / "anew")
    assert buyer.run("verify", "acme/docs").code == 0


def test_rows_are_taken_in_with_what_their_fields_mean(publisher, buyer) -> None:
    """Filters ask for it, and statistics of labels follow from it; so do the files beside rows."""
    rows = publisher.folder / "rows"
    rows.mkdir()
    (rows / "rows.jsonl").write_text(lines(small_rows(12)))
    (rows / "README.md").write_text("no row\n")
    publisher.ok("commit", rows, "-d", "acme/rows", "--text", "text", "--label", "label")
    terms = ("--permit", "train,derivativeModels", "--require", "attribution")
    publisher.ok("issue", "acme/rows", "-o", "delivery", *terms)
    buyer.ok("import", publisher.folder / "delivery", "--as", "house/rows")
    theirs, ours = (
        person.ok("show", name, "--json").json["manifest"]["body"]
        for person, name in ((publisher, "acme/rows"), (buyer, "house/rows"))
    )
    kept = theirs.keys() - {"ignored"}
    assert ours == {**{name: theirs[name] for name in kept}, "origin": "imported"}
    assert {"fields", "companions", "records"} < kept
    report = buyer.ok("verify", "house/rows", "--json")
    assert report.check("datasets")["state"] == "pass"
    assert not any("stats.labels" in line for line in report.json["notProven"])


def test_rows_with_an_id_that_others_have_are_not_taken_in(publisher, buyer) -> None:
    """ATTACK A88: a publisher signs it, and the store of whoever bought it never verifies again."""
    (publisher.folder / "rows.jsonl").write_text(lines(small_rows(6)))
    publisher.ok("commit", "rows.jsonl", "-d", "acme/rows", "--text", "text", "--label", "label")
    config = publisher.home / ".config" / "lyrikstore"
    keys = KeyFolder(config / "keys")
    opened = {"memory_dir": publisher.home / "m", "trust_file": config / "trust.toml"}
    store = Store.open(publisher.folder, **opened, keys=keys, signer=keys.signer())
    repository = store.repository
    honest = repository.resolve("acme/rows")
    false = sign_manifest(
        kind="dataset", store=repository.store_id, name=honest.name, parents=[honest.id],
        body={**honest.body, "fields": {**honest.body["fields"], "id": "label"}}, inputs=(),
        signer=keys.signer(), created=now(), tree=honest.tree, files=honest.files,
    )  # fmt: skip
    with open_transaction(repository) as transaction:
        transaction.log_manifest(false)
        transaction.commit()
    publisher.ok("issue", "acme/rows", "-o", "delivery", "--permit", "train")
    size = log_size(buyer)
    refused = buyer.fails(3, "import", publisher.folder / "delivery", "--json")
    assert (refused.kind, log_size(buyer)) == ("does-not-verify", size)


def test_junk_beside_a_delivery_is_not_kept_as_its_log_proof(buyer, delivery) -> None:
    good = (delivery / "log.tlog-proof").read_bytes()
    head, _, checkpoint = good.partition(b"\n\n")
    for name, junk in (
        ("a.tlog-proof", head + b"\n" + b"A" * 43 + b"=\n\n" + checkpoint),
        ("b.tlog-proof", head + b"\n\nnobody.example/log\n1\n" + checkpoint.split(b"\n", 2)[2]),
        ("c.tlog-proof", head + b"\n\n"),
    ):
        (delivery / name).write_bytes(junk)
    buyer.ok("import", delivery)
    kept = buyer.ok("show", "acme/docs", "--json").json["manifest"]["attachments"]
    proofs = [item["id"] for item in kept if item["role"] == "foreign-log-proof"]
    assert proofs == [str(Digest.of(good))]


def test_a_delivery_that_does_not_verify_is_not_taken_in(buyer, delivery) -> None:
    size = log_size(buyer)
    victim = delivery / "data" / "3.txt"
    text = victim.read_bytes()
    victim.write_bytes(b"another document\n")
    assert buyer.fails(3, "import", delivery)
    victim.unlink()
    assert buyer.fails(5, "import", delivery)
    victim.write_bytes(text)
    (delivery / "credential.json").write_text(
        (delivery / "credential.json").read_text().replace('"train"', '"treat"')
    )
    assert buyer.fails(3, "import", delivery)
    assert log_size(buyer) == size


def test_what_does_not_belong_to_a_delivery_is_left_out_and_named(
    publisher, buyer, delivery, auditor
) -> None:
    # A grant under another version of the same dataset, one under this one, and an attestation
    # that is out of date, all in one folder.
    grants = ("--to", buyer.did(), "--permit", "train", "--until", "30d")
    publisher.ok("issue", "acme/docs", "-o", "open", "--permit", "evaluate", "--grantable", "train")
    publisher.ok("grant", "open", *grants, "-o", "grant.json")
    (publisher.folder / "documents" / "3.txt").write_text("document 3, corrected\n")
    publisher.ok("commit", "documents", "-d", "acme/docs", "--metadata", "sheet.csv")
    later = ("-o", "later", "--permit", "evaluate", "--grantable", "train")
    publisher.ok("issue", "acme/docs", *later)
    publisher.ok("grant", "later", *grants, "-o", "later-grant.json")
    folder = publisher.folder / "open"
    for path in (*publisher.folder.glob("grant*"), *publisher.folder.glob("later-grant*")):
        shutil.copy(path, folder)
    (taken,) = buyer.ok("import", folder, "--json").json["imported"]
    assert taken["changed"]
    (aside,) = taken["aside"]
    assert (aside["file"], aside["kind"]) == ("later-grant.json", "unknown-content")
    logged = [buyer.run("show", one, "--raw").out for one in taken["logged"]]
    assert sum('"GrantCredential"' in one for one in logged) == 1
    assert "left out  later-grant.json is about" in buyer.ok("import", folder).out
    # What is named is not left out, but refused.
    assert buyer.fails(1, "import", folder / "later-grant.json")
    # With the version that it is about, it belongs.
    shutil.copy(folder / "later-grant.json", publisher.folder / "later")
    (taken,) = buyer.ok("import", publisher.folder / "later", "--json").json["imported"]
    assert taken["aside"] == []
    # Also beside a delivery of one's own, and if it does not hold any more.
    edited = (auditor.folder / "attestation.json").read_text().replace("no label", "no other")
    (delivery / "edited.json").write_text(edited)
    (taken,) = publisher.ok("import", delivery, "--json").json["imported"]
    assert [(one["file"], one["kind"]) for one in taken["aside"]] == [
        ("edited.json", "does-not-verify")
    ]
