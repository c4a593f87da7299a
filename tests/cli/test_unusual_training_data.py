"""``plan``, ``train``, ``evaluate`` on data as people have it: odd labels, odd texts, few rows."""

from typing import Any

import pytest

from tests.cli.small_runs import (
    BASE,
    ENCODERS,
    configure,
    entries,
    leftovers,
    parts,
    refused,
    rows,
    supply,
    supply_base,
)
from tests.conftest import Person

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return somebody with a store and a small encoder."""
    root = tmp_path_factory.mktemp("owner")
    person = Person(root / "home", root / "work")
    person.home.mkdir()
    person.folder.mkdir()
    person.ok("key", "new", "--no-passphrase")
    person.ok("init")
    person.ok("commit", supply_base(person), "-d", BASE)
    return person


def trained(person: Person, name: str, data: dict[str, Any], **config: Any) -> dict[str, Any]:
    supply(person, name, data)
    made: dict[str, Any] = person.ok("train", configure(person, name, **config), "--json").json
    assert leftovers(person) == []
    return made


def evaluated(person: Person, name: str) -> dict[str, Any]:
    person.ok("evaluate", f"checkpoints/acme/{name}", "--on", f"acme/{name}.test")
    found = person.ok("show", f"evaluations/acme/{name}", "--json").json
    body: dict[str, Any] = found["manifest"]["body"]
    return body


def reasons(result: dict[str, Any]) -> set[str]:
    return {one["reason"] for one in result["warnings"]}


def free_text(count: int, seed: int) -> list[dict[str, Any]]:
    return [
        {**row, "label": f"what somebody wrote about number {number}", "kind": "xyz"[number % 3]}
        for number, row in enumerate(rows(count, seed=seed))
    ]


@pytest.mark.parametrize("count", [150, 11_000])
def test_a_label_column_of_free_text_is_refused_and_columns_that_fit_are_named(
    owner, count
) -> None:
    name = f"free{count}"
    supply(owner, name, {**parts(), "train": free_text(count, 1)})
    for arguments in (("plan", configure(owner, name)), ("plan", f"acme/{name}", "-o", "no.toml")):
        result = refused(owner, 16, *arguments)
        assert result.kind == "too-many-labels"
        assert result.error["details"]["field"] == "label"
        assert result.error["details"]["fields"] == ["kind"]
    assert refused(owner, 16, "train", f"{name}.toml").kind == "too-many-labels"
    assert not (owner.folder / "no.toml").exists()


def test_a_column_of_a_sheet_that_is_free_text_is_refused_too(owner) -> None:
    folder = owner.folder / "letters"
    folder.mkdir()
    sheet = ["path,note,court"]
    for number in range(120):
        (folder / f"{number}.txt").write_text(f"letter {number} says something")
        sheet.append(f"{number}.txt,what I think of {number},{'north' if number % 2 else 'south'}")
    (owner.folder / "letters.csv").write_text("\n".join(sheet))
    owner.ok("commit", "letters", "-d", "acme/letters", "--metadata", "letters.csv")
    result = refused(owner, 16, "plan", "acme/letters", "--label", "note")
    assert (result.kind, result.error["details"]["fields"]) == ("too-many-labels", ["court"])


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_a_label_of_validation_that_training_lacks_is_refused(owner, several) -> None:
    name = f"unseen{int(several)}"
    data = {**parts(), "validation": rows(8, ("a", "c"), seed=2)}
    if several:
        for some in data.values():
            for row in some:
                row["label"] = [row["label"], "k"]
    supply(owner, name, data)
    result = refused(owner, 16, "train", configure(owner, name))
    assert (result.kind, result.error["details"]["labels"]) == ("label-unknown", ["c"])


@pytest.mark.parametrize(
    "several", [pytest.param(False, marks=pytest.mark.slow), True], ids=["one", "several"]
)
def test_a_label_that_only_the_test_has_counts_as_missed(owner, several) -> None:
    name = f"missed{int(several)}"
    data = {**parts(), "test": rows(8, ("a", "z"), seed=3)}
    if several:
        for some in data.values():
            for row in some:
                row["label"] = [row["label"], "k"]
    trained(owner, name, data)
    body = evaluated(owner, name)
    missed = body["model"]["perClass"]["z"]
    assert (missed["support"], missed["recall"]) == (4, "0.0000")
    model = body["model"]
    right = model["measures"]["subsetAccuracy"] if several else model["accuracy"]
    assert float(right["value"]) <= 0.5
    assert owner.run("verify", f"evaluations/acme/{name}", "--json").code in {0, 4}


@pytest.mark.parametrize("value", ["", None], ids=["empty", "null"])
def test_rows_without_a_label_are_counted_before_anything_is_logged(owner, value) -> None:
    name = f"bare{int(value is None)}"
    data = parts()
    for row in data["train"][:2]:
        row["label"] = value
    supply(owner, name, data)
    config = configure(owner, name)
    assert "label-missing" in reasons(owner.ok("plan", config, "--json").json)
    assert refused(owner, 16, "train", config).kind == "label-missing"


@pytest.mark.parametrize(
    "labels",
    [pytest.param((0, 1), marks=pytest.mark.slow), (True, False)],
    ids=["numbers", "bools"],
)
def test_numbers_and_truth_values_are_labels(owner, labels) -> None:
    name = f"values{type(labels[0]).__name__}"
    made = trained(owner, name, parts(labels))
    body = owner.ok("show", made["id"], "--json").json["manifest"]["body"]
    assert body["labels"] == sorted(str(one).lower() for one in labels)


def test_a_config_that_locks_no_test_set_is_warned_of_before_the_first_step(owner) -> None:
    supply(owner, "unlocked", parts())
    config = owner.folder / configure(owner, "unlocked")
    config.write_text(config.read_text().replace('test = "acme/unlocked.test"\n', ""))
    done = owner.ok("train", config.name)
    said = done.out + done.err
    assert said.index("no test set is locked") < said.index("logging the run")
    assert "--on" not in said  # which would lead to the validation part
    assert "no-test" in reasons(owner.ok("train", config.name, "--json").json)


def test_word_counts_that_keep_every_word_are_warned_of_and_the_card_says_what_they_hold(
    owner,
) -> None:
    data = parts()
    for part in ("train", "validation"):  # the model learns from both
        data[part] = [
            row | {"text": f"{part}{n} here{part}{n}"} for n, row in enumerate(data[part])
        ]
    made = trained(owner, "rare", data)
    assert "rare-words" in reasons(made)
    card = owner.ok("card", "checkpoints/acme/rare", "--json").json["markdown"]
    assert "words of the training data" in card
    assert "rare-words" not in reasons(trained(owner, "common", parts()))


def test_labels_that_differ_in_case_or_spaces_are_warned_of(owner) -> None:
    data = {**parts(), "train": rows(24, ("a", "A", "b ", "b"), seed=1)}
    made = trained(owner, "alike", data)
    assert reasons(made) == {"labels-alike", "few-validation"}
    assert "labels-alike" in reasons(owner.ok("plan", "alike.toml", "--json").json)
    said = owner.ok("train", "alike.toml")
    assert "'A', 'a'" in said.out + said.err


@pytest.mark.parametrize("text", ["", "  ", "a", "! ?"], ids=["empty", "blank", "letter", "signs"])
def test_texts_without_words_are_refused_before_anything_is_logged(owner, text) -> None:
    name = f"wordless{len(text)}{int(text.isalpha())}"
    data = parts()
    for some in data.values():
        for row in some:
            row["text"] = text
    supply(owner, name, data)
    assert refused(owner, 16, "train", configure(owner, name)).kind == "no-words"


def test_one_label_is_nothing_to_distinguish(owner) -> None:
    supply(owner, "single", parts(("a",)))
    assert refused(owner, 16, "train", configure(owner, "single")).kind == "one-label"


@pytest.mark.parametrize(
    "text",
    [
        "the same text",
        pytest.param("only{number} once{number}", marks=pytest.mark.slow),
        pytest.param("word{number}", marks=pytest.mark.slow),
    ],
    ids=["equal", "no-word-twice", "one-word"],
)
def test_texts_from_which_nothing_can_be_learned_give_a_model_that_knows_nothing(
    owner, text
) -> None:
    name = f"empty{len(text)}"
    data = parts()
    for part, some in data.items():
        for number, row in enumerate(some):
            row["text"] = text.format(number=f"{part}{number}")
    trained(owner, name, data)
    (owner.folder / "ask.txt").write_text("something else")
    (answer,) = owner.ok("predict", f"checkpoints/acme/{name}", "ask.txt", "--json").json[
        "predictions"
    ]
    assert {one["probability"] for one in answer["candidates"]} == {"0.500000"}


def test_three_rows_are_enough_and_say_little(owner) -> None:
    data = {"train": rows(3, seed=1), "validation": rows(1, seed=2), "test": rows(1, seed=3)}
    trained(owner, "few", data)
    body = evaluated(owner, "few")
    assert body["comparisons"][0]["verdict"] == "no-difference-shown"
    assert "low" not in body["model"]["macroF1"]


UNUSUAL = {"nul\0": "a\0b", "\u202eright to left": "\u202e\u05d0\u05d1", "\U0001f600": "\U0001f600"}


def test_control_characters_emoji_and_long_texts_pass_and_no_terminal_sees_them(owner) -> None:
    labels = (*UNUSUAL, "rare")
    data = parts(tuple(UNUSUAL))
    for some in data.values():
        for number, row in enumerate(some):
            row["text"] += f" {list(UNUSUAL.values())[number % 3]} sign{number % 3}"
    data["train"][-1]["label"] = "rare"  # a label with one record
    data["train"][0]["text"] *= (1 << 20) // len(data["train"][0]["text"]) + 1
    data["validation"] = data["validation"][:1]  # of one label
    trained(owner, "odd", data)
    body = evaluated(owner, "odd")
    assert set(body["model"]["perClass"]) == set(labels)
    (owner.folder / "odd.txt").write_text("\u202e\0\U0001f600 sign0" * 50_000)
    for arguments in (
        ("predict", "checkpoints/acme/odd", "odd.txt", "--explain"),
        ("show", "checkpoints/acme/odd"),
        ("log", "checkpoints/acme/odd"),
    ):
        said = owner.ok(*arguments)
        assert not {"\0", "\u202e"} & set(said.out + said.err), arguments


@pytest.mark.slow
@pytest.mark.parametrize("also", ["train", "validation"])
def test_a_label_with_one_record_is_no_trouble_for_any_candidate(owner, also) -> None:
    name = f"rare{also}"
    data = parts()
    for part in {"train", also}:
        data[part][-1]["label"] = "rare"
    candidates = ("tfidf", *ENCODERS, "blend")
    trained(owner, name, data, base=BASE, candidates=candidates)
    shown = owner.ok("show", f"checkpoints/acme/{name}", "--json").json["manifest"]["body"]
    assert len(shown["chosen"]["candidates"]) == 7  # word counts, three encoders, three blends
    assert evaluated(owner, name)["model"]["perClass"]


@pytest.mark.slow
def test_a_thousand_labels_are_distinguished(owner) -> None:
    labels = [f"label{number:03}" for number in range(1000)]
    data = {**parts(), "train": rows(2000, labels, seed=1)}
    data |= {
        part: rows(8, labels[:2], seed=2 + at) for at, part in enumerate(("validation", "test"))
    }
    trained(owner, "thousand", data)
    assert len(evaluated(owner, "thousand")["model"]["perClass"]) <= 1000
    supply(owner, "more", {**data, "train": rows(2002, [*labels, "x"], seed=1)})
    assert refused(owner, 16, "train", configure(owner, "more")).kind == "too-many-labels"


def test_nothing_was_half_made(owner) -> None:
    made = [name for name in entries(owner) if name.startswith("checkpoints/")]
    runs = [name for name in entries(owner) if name.startswith("runs/")]
    assert len(made) == len(runs) + 1  # and the base
