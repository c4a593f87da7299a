"""``predict``: files, folders and rows in; answers, reasons and similar records out; real texts."""

import csv
import gzip
import json
import os
import shutil
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.history.records.order_root import document_id, record_id
from tests.cli.predictions import (
    ENCODER,
    MODEL,
    TRAIN,
    lines,
    predict,
    signed,
    text,
    with_documents,
    with_two_models,
)
from tests.cli.test_clock import shifted
from tests.cli.tour import PAGES, SPLIT, model_folder, topics
from tests.conftest import Person

pytestmark = [pytest.mark.train]


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return with_two_models(tmp_path_factory.mktemp("owner"))


@pytest.fixture
def asked(tmp_path: Path, owner: Person) -> Path:
    """Return an empty folder for what is asked."""
    place = tmp_path / "asked"
    place.mkdir()
    return place


def test_a_single_answer_shows_the_confidence_that_decides(owner, asked) -> None:
    (asked / "one.jsonl").write_text('{"text": "a grant, to whom and until when", "length": 33}\n')
    arguments = ("checkpoints/acme/tags", asked / "one.jsonl")
    (answer,) = predict(owner, *arguments)["predictions"]
    body = owner.ok("show", "checkpoints/acme/tags", "--json").json["manifest"]["body"]
    (line,) = (one for one in owner.ok("predict", *arguments).out.splitlines() if "confid" in one)
    assert answer["confidence"] in line
    assert body["decision"]["threshold"] in line
    below = body["decision"]["abstainBelow"]
    assert (below in line) == (float(below) > 0)


def test_below_the_signed_confidence_it_does_not_know(owner, asked) -> None:
    floor = Decimal(signed(owner, MODEL)["decision"]["abstainBelow"])
    assert floor > 0, "the model answers everything, and nothing is shown here"
    found = predict(owner, MODEL, "texts")
    assert found["asked"] == found["answered"] + found["notKnown"] == len(found["predictions"])
    assert found["answered"]
    for one in found["predictions"]:
        assert ("confidence" in one["abstainedFor"]) == (Decimal(one["confidence"]) < floor)
        assert one["abstained"] == bool(one["abstainedFor"])
        first = one["candidates"][0]
        assert one["confidence"] == first["probability"]
        assert one["answer"] == ([] if one["abstained"] else [first["label"]])
        assert {c["label"] for c in one["candidates"]} == set(PAGES)
    unsure = next(one for one in found["predictions"] if one["abstainedFor"] == ["confidence"])
    shutil.copy(owner.folder / "texts" / unsure["path"], asked / "odd.txt")
    said = owner.ok("predict", MODEL, asked / "odd.txt").out.splitlines()[-1]
    first, second = (one["label"] for one in unsure["candidates"][:2])
    assert said == f"I do not know: {first} or {second}"


def test_a_folder_is_answered_as_each_of_its_files_is(owner, asked) -> None:
    for name in ("grants-01.txt", "trust-02.txt"):
        shutil.copy(owner.folder / "texts" / name, asked / name)
    (asked / "deep").mkdir()
    (asked / "deep" / "page.html").write_text(f"<html><body><p>{text(owner, 'trust-02.txt')}</p>")
    with_name = asked / "line\nend\x1b[31m.txt"
    shutil.copy(asked / "grants-01.txt", with_name)
    (asked / "latin.txt").write_bytes("clé, donnée, délivrée à l'ordre".encode("cp1252"))
    (asked / "empty.txt").write_bytes(b"")
    (asked / "sheet.csv").write_text("path,page\nempty.txt,none\n")
    (asked / "blank.txt").write_text(" \n\t\n")
    (asked / "noise.bin").write_bytes(bytes(range(256)) * 3)
    (asked / "scan.pdf").write_bytes(b"%PDF-1.7 and no more")
    (asked / "shut.txt").write_text("nobody may read this")
    (asked / "shut.txt").chmod(0)
    os.mkfifo(asked / "pipe")
    (asked / "away.txt").symlink_to("/etc/hostname")
    found = predict(owner, MODEL, asked)
    assert [one["path"] for one in found["predictions"]] == sorted(
        one["path"] for one in found["predictions"]
    )
    by_path = {one["path"]: one for one in found["predictions"]}
    for name in ("grants-01.txt", "trust-02.txt"):
        (alone,) = predict(owner, MODEL, asked / name)["predictions"]
        assert {**alone, "path": name} == by_path[name]
        data = (asked / name).read_bytes()
        assert alone["record"] == document_id(Digest.of(data)).hex
    assert by_path[with_name.name]["answer"] == by_path["grants-01.txt"]["answer"]
    assert by_path["deep/page.html"]["candidates"] == by_path["trust-02.txt"]["candidates"]
    refused = {path: one["refusal"]["reason"] for path, one in by_path.items() if one["refusal"]}
    expected = {
        "away.txt": "symlink-outside",
        "blank.txt": "no-text",
        "empty.txt": "no-text",
        "pipe": "fifo",
        "scan.pdf": "broken",
        "sheet.csv": "text-missing",
    }
    assert refused.items() >= expected.items()
    assert ("shut.txt" in refused) == (os.getuid() != 0)
    assert sum(one["count"] for one in found["unanswered"]) == len(refused)
    assert all(not by_path[path]["answer"] and not by_path[path]["confidence"] for path in refused)
    shown = owner.ok("predict", MODEL, asked)
    assert "\x1b" not in shown.out
    assert len(shown.out.splitlines()) == found["asked"]
    assert "no-text" in shown.err


def test_the_store_is_no_part_of_what_is_asked(owner, asked) -> None:
    found = predict(owner, MODEL, owner.folder, "-o", asked / "out.jsonl")
    paths = {one["path"] for one in lines(asked / "out.jsonl")}
    assert found["asked"] > 100
    assert "texts/grants-01.txt" in paths
    assert not [path for path in paths if ".lyrikstore" in path]


def test_rows_in_rows_out(owner, asked) -> None:
    names = ["grants-03.txt", "trust-03.txt", "remotes-04.txt"]
    rows = [
        {"text": text(owner, name), "labels": ["never read"], "length": 5, "id": f"=r{at}"}
        for at, name in enumerate(names)
    ]
    rows.insert(1, {"text": "", "id": "bare"})
    (asked / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    with (asked / "b.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "length", "text"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    table = {name: [one.get(name) for one in rows] for name in ("id", "length", "text")}
    pq.write_table(pa.table(table), asked / "c.parquet")
    with gzip.open(asked / "d.jsonl.gz", "wb") as packed:
        packed.write((asked / "a.jsonl").read_bytes())
    answers = {}
    for name in ("a.jsonl", "b.csv", "c.parquet", "d.jsonl.gz"):
        out = asked / f"{name}.out.jsonl"
        said = predict(owner, "checkpoints/acme/tags", asked / name, "-o", out)
        assert (said["output"], said["predictions"]) == (str(out), [])
        assert (said["asked"], said["unanswered"]) == (4, [{"reason": "no-text", "count": 1}])
        found = lines(out)
        assert [one["called"] for one in found] == ["=r0", "bare", "=r1", "=r2"]
        assert found[1]["refusal"]["reason"] == "no-text"
        answers[name] = [(one["answer"], one["candidates"]) for one in found]
        first = 2 if name == "b.csv" else 1
        assert found[0]["line"] == first
    assert len({json.dumps(one) for one in answers.values()}) == 1
    assert (
        lines(asked / "a.jsonl.out.jsonl")[0]["record"]
        == record_id("jsonl/1", json.dumps(rows[0]).encode()).hex
    )

    out = asked / "out.csv"
    result = owner.ok("predict", "checkpoints/acme/tags", asked / "a.jsonl", "-o", out)
    assert "formula" in result.err
    with out.open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [one["called"] for one in table] == ["'=r0", "bare", "'=r1", "'=r2"]
    for one, (answer, _) in zip(table, answers["a.jsonl"], strict=True):
        assert (json.loads(one["answer"]) if one["answer"] else []) == answer
    owner.ok("commit", out, "-d", "acme/answers", "--label", "answer")  # rows of ours are rows

    printed = owner.ok("predict", "checkpoints/acme/tags", asked / "a.jsonl", "--format", "jsonl")
    assert [json.loads(line) for line in printed.out.splitlines()] == lines(
        asked / "a.jsonl.out.jsonl"
    )


def test_labels_above_the_signed_threshold_are_given(owner) -> None:
    decision = signed(owner, "checkpoints/acme/tags")["decision"]
    found = predict(owner, "checkpoints/acme/tags", "rows")
    several = False
    for one in found["predictions"]:
        if one["abstained"]:
            assert one["answer"] == []
            continue
        above = [
            c["label"]
            for c in one["candidates"]
            if Decimal(c["probability"]) >= Decimal(decision["threshold"])
        ]
        assert one["answer"] == (above or [one["candidates"][0]["label"]])
        several = several or len(one["answer"]) > 1
    assert several
    assert decision["atLeastOne"]
    assert found["withoutFields"] == 0


@pytest.mark.parametrize(
    ("name", "data", "code", "kind"),
    [
        ("a.jsonl", b'{"text": "one"}\n{"text": "two"\n', 16, "bad-record"),
        ("a.jsonl", b"\xef\xbb\xbf" + b'{"text": "one"}\n', 16, "bad-record"),
        ("a.jsonl", b'{"txt": "one"}\n', 16, "text-missing"),
        ("a.csv", b'text,id\n"one,1\n', 16, "bad-record"),
        ("a.csv", b"", 17, "no-records"),
        ("a.csv", b"text\n\xff\xfe\n", 16, "bad-record"),
        ("a.parquet", b"PAR1" * 8, 16, "bad-record"),
        ("a.txt", b"", 16, "no-text"),
    ],
)
def test_what_cannot_be_answered_leaves_nothing(owner, asked, name, data, code, kind) -> None:
    (asked / name).write_bytes(data)
    out = asked / "out.jsonl"
    said = owner.fails(code, "predict", "checkpoints/acme/tags", asked / name, "-o", out, "--json")
    assert said.kind == kind
    assert said.error["hint"]
    assert sorted(one.name for one in asked.iterdir()) == [name]
    if kind == "text-missing":
        assert "txt" in said.error["hint"]


def test_nothing_is_written_over_unless_that_is_said(owner, asked) -> None:
    out = asked / "out.jsonl"
    out.write_text("mine")
    command = ("predict", MODEL, "texts", "-o", out)
    assert owner.fails(15, *command, "--json").kind == "exists"
    assert out.read_text() == "mine"
    owner.ok(*command, "--force")
    assert len(lines(out)) > 50
    assert owner.fails(1, *command[:-1], asked / "no" / "out.csv", "--json").kind == "no-folder"
    assert owner.fails(2, *command[:-1], asked / "out.pdf", "--json").kind == "usage"
    assert [one.name for one in asked.iterdir()] == ["out.jsonl"]


def test_a_long_text_is_refused(owner, asked) -> None:
    with (asked / "long.txt").open("wb") as file:
        file.write(b"words ")
        file.truncate((64 << 20) + 10)
    assert owner.fails(16, "predict", MODEL, asked / "long.txt", "--json").kind == "too-large"


def test_terms_add_up_to_the_logit(owner, asked) -> None:
    (one,) = predict(owner, MODEL, "texts/grants-05.txt", "--explain")["predictions"]
    (found,) = one["explanation"]
    assert (found["method"], found["label"]) == ("contributions", one["candidates"][0]["label"])
    parts = [Decimal(term["contribution"]) for term in found["terms"]]
    assert parts == sorted(parts, key=abs, reverse=True)
    total = sum(parts) + Decimal(found["otherContribution"]) + Decimal(found["bias"])
    assert abs(total - Decimal(found["logit"])) < Decimal("0.00005")
    assert [one["weight"] for one in one["explanation"]] == ["1.0"]


def test_fields_are_terms_too(owner, asked) -> None:
    (asked / "a.jsonl").write_text('{"text": "the delivery and its expert", "length": 900}\n')
    (one,) = predict(owner, "checkpoints/acme/tags", asked / "a.jsonl", "--explain")["predictions"]
    assert all("length" in [t["term"] for t in e["terms"]] for e in one["explanation"])
    (asked / "a.txt").write_text("the delivery and its expert")
    alone = predict(owner, "checkpoints/acme/tags", asked / "a.txt")
    assert alone["withoutFields"] == 1


def test_similar_records_have_their_source_licence_and_credential(owner) -> None:
    train = lines_of(owner, "acme/topics.train")
    name = next(name for name in sorted(train) if name.startswith("trust"))
    (one,) = predict(owner, MODEL, f"texts/{name}", "--explain")["predictions"]
    likeness = [Decimal(near["likeness"]) for near in one["similarNotCause"]]
    assert likeness == sorted(likeness, reverse=True)
    near = one["similarNotCause"][0]
    assert (near["likeness"], near["record"]) == ("1.0000", one["record"])
    assert (near["dataset"], near["labels"]) == ("datasets/acme/topics.train", ["trust"])
    (source,) = near["comesFrom"]
    assert source["name"] == "datasets/acme/pages"
    (right,) = source["reliedOn"]
    issued = json.loads((owner.folder / "delivery" / "credential.json").read_bytes())
    assert right["issuer"] == owner.did()
    assert right["spdxExpressions"] == ["MIT"]
    assert right["requires"] == ["attribution"]
    assert "acme/pages" in right["attribution"]
    assert right["withdrawn"] is None
    assert issued["credentialSubject"]["licence"]
    assert "similar, not the cause" in owner.ok("predict", MODEL, f"texts/{name}", "--explain").out


def lines_of(person: Person, ref: str) -> set[str]:
    folder = person.folder / "checked-out"
    shutil.rmtree(folder, ignore_errors=True)
    person.ok("checkout", ref, folder)
    return {one.name for one in folder.iterdir()}


def test_a_revoked_right_is_reported_with_what_rests_on_it(publisher) -> None:
    with_documents(publisher)
    publisher.ok("credential", "revoke", "delivery")
    found = predict(publisher, MODEL, "texts/grants-01.txt", "--explain")
    assert (found["rights"]["state"], found["rights"]["reason"]) == ("warn", "taken-back-later")
    (one,) = found["predictions"]
    taken = {
        right["withdrawn"]
        for near in one["similarNotCause"]
        for source in near["comesFrom"]
        for right in source["reliedOn"]
    }
    assert taken == {"revoked"}
    said = publisher.ok("predict", MODEL, "texts/grants-01.txt", "--explain")
    assert "revoked since" in said.out
    assert "datasets/acme/pages" in said.err


@pytest.mark.clock
def test_a_right_that_has_ended_is_said(publisher) -> None:
    with_documents(publisher)
    asked = ("predict", MODEL, "texts/grants-01.txt")
    assert publisher.ok(*asked, "--json").json["rights"]["state"] == "pass"
    found = shifted(publisher, 390, *asked, "--json").json
    assert (found["rights"]["state"], found["rights"]["reason"]) == ("warn", "ended-later")


def test_training_data_that_is_not_here_is_named(publisher) -> None:
    with_documents(publisher)
    again = publisher.folder / "split.toml"
    again.write_text(SPLIT.replace('seed = "1"', 'seed = "2"'))
    publisher.ok("filter", "acme/pages", "--recipe", again, "--as", "acme/topics")
    publisher.ok("gc", "--keep", "1", "acme/topics.train")
    found = predict(publisher, MODEL, "texts/grants-01.txt", "--explain")
    assert [one["name"] for one in found["absentData"]] == ["datasets/acme/topics.train"]
    (one,) = found["predictions"]
    # The model was refitted on validation data, too, which is here.
    named = {near["dataset"] for near in one["similarNotCause"]}
    assert named == {"datasets/acme/topics.validation"}
    assert one["explanation"]


def test_of_several_sources_the_one_of_each_record_is_named(publisher) -> None:
    topics(publisher.folder)
    for page in PAGES[:2]:
        (publisher.folder / page).mkdir()
        rows = []
        for one in sorted((publisher.folder / "texts").glob(f"{page}-*")):
            one.rename(publisher.folder / page / one.name)
            rows.append(f"{one.name},{page},{one.stem}\n")
        sheet = publisher.folder / f"{page}.csv"
        sheet.write_text("path,page,paragraph\n" + "".join(rows))
        licence = ("--licence", "MIT" if page == PAGES[0] else "CC-BY-4.0")
        publisher.ok("commit", page, "-d", f"acme/{page}", "--metadata", sheet, *licence)
        publisher.ok("permit", f"acme/{page}", "--permit", "train,evaluate")
    (publisher.folder / "split.toml").write_text(SPLIT)
    both = [f"acme/{page}" for page in PAGES[:2]]
    publisher.ok("filter", *both, "--recipe", "split.toml", "--as", "acme/topics")
    (publisher.folder / "train.toml").write_text(TRAIN)
    publisher.ok("train", "train.toml")
    for page in PAGES[:2]:
        found = predict(publisher, MODEL, page, "--explain")
        likest = [one["similarNotCause"][0] for one in found["predictions"]]
        own = [near for near in likest if near["likeness"] == "1.0000" and near["labels"] == [page]]
        assert len(own) > 5
        for near in own:
            (source,) = near["comesFrom"]
            assert source["name"] == f"datasets/acme/{page}"
            wanted = ["MIT"] if page == PAGES[0] else ["CC-BY-4.0"]
            assert source["reliedOn"][0]["spdxExpressions"] == wanted


@pytest.fixture(scope="module")
def reader(owner: Person) -> Person:
    """Return the same with a model of a frozen encoder."""
    owner.ok("commit", model_folder(), "-d", "checkpoints/acme/minilm")
    (owner.folder / "read.toml").write_text(ENCODER)
    owner.ok("train", "read.toml")
    return owner


def test_the_sentence_that_decides_ranks_first(reader, asked) -> None:
    trigger = "A remote is a bucket or a server that push and pull copy a store to."
    bland = "It was a long day. The weather was fine in the morning. Nobody came by."
    (asked / "a.txt").write_text(f"{bland} {trigger} {bland.replace('day', 'week')}")
    found = predict(reader, "checkpoints/acme/read", asked / "a.txt", "--explain")
    (one,) = found["predictions"]
    assert one["candidates"][0]["label"] == "remotes"
    (part,) = one["explanation"]
    assert part["method"] == "occlusion"
    first = part["sentences"][0]
    assert first["text"] == trigger
    assert (asked / "a.txt").read_text()[first["begins"] : first["ends"]] == trigger
    without = [Decimal(each["without"]) for each in part["sentences"]]
    assert without == sorted(without)
    assert without[0] < Decimal(part["probability"])
    assert abs(Decimal(part["probability"]) - Decimal(one["candidates"][0]["probability"])) < 1e-5
    likeness = [Decimal(near["likeness"]) for near in one["similarNotCause"]]
    assert likeness
    assert likeness == sorted(likeness, reverse=True)


def test_the_vectors_of_an_encoder_find_the_same_text(reader) -> None:
    name = min(lines_of(reader, "acme/topics.train"))
    (one,) = predict(reader, "checkpoints/acme/read", f"texts/{name}", "--explain")["predictions"]
    assert one["similarNotCause"][0]["record"] == one["record"]
    assert Decimal(one["similarNotCause"][0]["likeness"]) > Decimal("0.999")
