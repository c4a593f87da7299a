"""Filters: pure decisions, stable reasons, linear time."""

import re
import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.personal import holders
from lyrikstore.curate.personal.holders import MAX_NAMES
from lyrikstore.curate.recipes.filters import contacts
from lyrikstore.curate.recipes.filters.contract import (
    Change,
    DatasetFilter,
    Drop,
    FilterRecord,
    Keep,
)
from lyrikstore.curate.recipes.filters.dataset_steps import KeyedRecords
from lyrikstore.curate.recipes.filters.redact import FINDERS, Redact, redact
from lyrikstore.curate.recipes.filters.split import Split
from lyrikstore.curate.recipes.recipe import parse_recipe
from lyrikstore.curate.text import is_blank, normalise
from tests.curate.steps import Counted, Steps, count_patterns

ALL = tuple(FINDERS)
LETTERS = str.maketrans("0123456789", "ghijklmnop")


def document(text: str | None, path: str = "a.txt", **meta: str) -> FilterRecord:
    fields = meta if text is None else {**meta, "": text}
    return FilterRecord(path, 0, Digest.of((text or "").encode()), fields, fields)


def step(toml: str):
    return parse_recipe(f"recipe = 1\n[[step]]\n{toml}".encode()).steps[0].filter


def test_drop_empty() -> None:
    decide = step('use = "drop-empty/1"').start()
    assert decide(document(None)) == Drop("undecodable", "the bytes are not UTF-8")
    assert decide(document("")) == Drop("empty", "0 bytes")
    assert decide(document(" \n\u00a0\ufeff")) == Drop("blank", "only white space")
    assert decide(document("x")) == Keep()


def test_drop_duplicates_keeps_the_first_and_names_it() -> None:
    duplicates = step('use = "drop-duplicates/1"')
    assert isinstance(duplicates, DatasetFilter)
    key = duplicates.key()
    texts = ("\uff28ello  World\n", "hello, world", "hello world", "hello world ")
    keys = b"".join(key(document(text)) for text in texts)
    ends = np.arange(1, 5) * 16
    judgement = duplicates.judge(KeyedRecords(np.frombuffer(keys, np.uint8), ends))
    assert [judgement.of(at) for at in range(4)] == [
        None,
        None,
        ("duplicate", True, 0),
        ("duplicate", True, 0),
    ]
    assert duplicates.detail("duplicate", "record 0 (a)") == "same text as record 0 (a)"
    with pytest.raises(InvalidInputError, match="not UTF-8") as caught:
        key(document(None))
    assert "drop-empty/1" in caught.value.hint


@given(st.text())
def test_normalise_is_a_fixed_point(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert (once == "") == is_blank(text) or not once


def test_allow() -> None:
    decide = step('use = "allow/1"\ncolumn = "c"\nvalues = ["A", "B"]').start()
    assert decide(document("", c="A")) == Keep()
    assert decide(document("", c="a")) == Drop("not-allowed", "c is 'a'")
    assert decide(document("")) == Drop("no-value", "no value in column 'c'")
    decide = step('use = "allow/1"\ncolumn = "c"\nvalues = ["A"]\nabsent = "keep"').start()
    assert decide(document("")) == Keep()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("write to john.doe+x@mail.example.org.", "write to <EMAIL>."),
        ("<a@b.co.uk>, 'c@d.eu'", "<<EMAIL>>, '<EMAIL>'"),
        ("no @ here, a@b, @c.d", "no @ here, a@b, @c.d"),
        ("see http://x.org/a_(b)?q=1#f. And", "see <URL>. And"),
        ("(see https://x.org/a).", "(see <URL>)."),
        ("at www.example.com, or example.org/x", "at <URL>, or <URL>"),
        ("file e.g. foo.txt and v1.2.3", "file e.g. foo.txt and v1.2.3"),
        ("call +49 (0)30 1234-5678 now", "call <PHONE> now"),
        ("Tel: 030 123 45 67, Fax 555-123-4567", "Tel: <PHONE>, Fax <PHONE>"),
        ("(415) 555-2671 or 1-800-555-0199", "<PHONE> or <PHONE>"),
        ("1998-2001, 2003-2004; ISO 9001-2000", "1998-2001, 2003-2004; ISO 9001-2000"),
        ("Copyright (c) 1998-2001 Jane Roe. All rights reserved.",
         "Copyright (c) 1998-2001 <COPYRIGHT-HOLDER>. All rights reserved."),
        ("Copyright © 2020 Acme, Inc.\n", "Copyright © 2020 <COPYRIGHT-HOLDER>.\n"),
        ("* Copyright 1999\n*   The Regents of Foo\n",
         "* Copyright 1999\n*   <COPYRIGHT-HOLDER>\n"),
        ("Copyright 2001 Jane Roe, John Doe,\n and Max Muster\nText",
         "Copyright 2001 <COPYRIGHT-HOLDER>,\n and <COPYRIGHT-HOLDER>\nText"),
        ("Copyright Jane Roe\n", "Copyright <COPYRIGHT-HOLDER>\n"),
        ("copyrighted by Jane Roe\n", "copyrighted by <COPYRIGHT-HOLDER>\n"),
        ("The above copyright notice and this permission notice",
         "The above copyright notice and this permission notice"),
        ("Copyright License. Subject to", "Copyright License. Subject to"),
        ("(c) You must keep", "(c) You must keep"),
        ("the copyright holders, by copyright law", "the copyright holders, by copyright law"),
        ("Copyright 2001 J. <j@roe.org>", "Copyright 2001 <COPYRIGHT-HOLDER>"),
    ],
)  # fmt: skip
def test_redaction(before: str, after: str) -> None:
    assert redact(before, ALL)[0] == after


def test_repeats_of_a_holder_go_too() -> None:
    text = "Copyright (c) 2001 Jane Roe\n\nNeither JANE\n ROE nor Roe and Sons"
    assert redact(text, ALL)[0].count("<COPYRIGHT-HOLDER>") == 1
    again = redact(text, ALL, repeats=True)[0]
    assert again.count("<COPYRIGHT-HOLDER>") == 2
    assert "Neither <COPYRIGHT-HOLDER> nor Roe and Sons" in again


TEXTS = st.lists(
    st.sampled_from(
        ["Copyright (c) 2001 ", "Jane Roe", "a@b.org", "\n", " ", "http://x.y/z", "+1 415 555 2671",
         ", ", ". ", "Tel: ", "the ", "(", ")", "<", "2004", "©", "and", "é", "\u2028", "www.a.b"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@given(TEXTS)
def test_as_many_places_are_counted_as_there_are_new_placeholders(text: str) -> None:
    outcome = step('use = "redact/1"').start()(document(text, c=text))
    if isinstance(outcome, Keep):
        return
    assert isinstance(outcome, Change)
    for change in outcome.changes:
        value = outcome.fields["" if change.field == "text" else "c"]
        assert value is not None
        name = change.reason.removeprefix("redacted-").upper()
        placeholder = "<COPYRIGHT-HOLDER>" if name == "COPYRIGHT" else f"<{name}>"
        assert change.count == value.count(placeholder)


@given(TEXTS)
def test_no_email_or_url_survives(text: str) -> None:
    after = redact(text, ALL, repeats=True)[0]
    assert not list(FINDERS["email"][1](after))
    assert "http://" not in after


def test_mask_replaces_whole_columns() -> None:
    decide = step('use = "redact/1"\nmask = ["owner"]\ncolumns = []\ntext = false').start()
    outcome = decide(document(None, owner="Jane Roe", url="http://x.org"))
    assert isinstance(outcome, Change)
    assert outcome.fields == {"owner": "<REDACTED>", "url": "http://x.org"}


ADVERSARIAL = [
    "a", "1", "@", "a@", "a.", "copyright ", "(c) 2000 ", "http://", "www.", " www.a", "+1 ", "(",
    "555-", "Copyright (c) ", "\n", "Copyright\n", "tel ", "a.com/", "a.com ", "x-", "<", "1.",
    "©", ",\n", "Copyright 2000 A,\n", "://", "http://((", "A and ", "copyright x ", "_", ") ",
]  # fmt: skip


@pytest.fixture
def deep() -> Iterator[None]:
    """Let the counting engine go as deep as it does: a call or two for every turn of a group."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("deep")
@pytest.mark.parametrize("name", ALL)
def test_patterns_are_linear(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = FINDERS[name][1]
    texts = [piece * (size // len(piece)) for piece in ADVERSARIAL for size in (600, 1200)]
    found = [list(find(text)) for text in texts]
    steps = Steps()
    for module in (contacts, holders):
        count_patterns(module, steps, monkeypatch)
    costs = []
    for text, spans in zip(texts, found, strict=True):
        begun = steps.count
        assert list(find(text)) == spans  # so the steps are those of the same search
        costs.append(steps.count - begun)
    for piece, once, twice in zip(ADVERSARIAL, costs[::2], costs[1::2], strict=True):
        assert twice < 2.5 * once + 100, piece  # four times, were it quadratic


def test_a_pattern_that_is_not_linear_shows() -> None:
    steps = Steps()
    search = Counted(re.compile(r"a+b"), steps).search
    assert search("a" * 100) is None
    once = steps.count
    assert search("a" * 200) is None
    assert steps.count - once > 3.5 * once


def test_only_so_many_names_are_looked_for_again() -> None:
    # Each is a pass over the text: without a bound, a few megabytes of holders take hours.
    names = ["Jane X" + number.to_bytes(2).hex().translate(LETTERS) for number in range(1100)]
    notices = "".join(f"Copyright 2001 {name}\n" for name in names)
    thanks = f"\nThanks to {names[0]}, {names[MAX_NAMES - 1]} and {names[MAX_NAMES]}"
    after = redact(notices + thanks, ALL, repeats=True)[0]
    assert after.endswith(f"<COPYRIGHT-HOLDER>, <COPYRIGHT-HOLDER> and {names[MAX_NAMES]}")


def test_split_keeps_groups_together_and_is_stable() -> None:
    split = step('use = "split/1"\nby = "g"\nseed = 7')
    assert isinstance(split, Split)
    decide = split.start()
    by_group: dict[str, set[object]] = {}
    counts: Counter[str | None] = Counter()
    for number in range(4000):
        group = str(number % 1000)
        outcome = decide(document(f"t{number}", f"{number}", g=group))
        assert isinstance(outcome, Keep)
        by_group.setdefault(group, set()).add(outcome.part)
        counts[outcome.part] += 1
    assert all(len(parts) == 1 for parts in by_group.values())
    assert 3000 < counts["train"] < 3400
    assert counts["validation"] > 250 < counts["test"]


def test_split_reads_the_group_as_the_source_has_it() -> None:
    decide = step('use = "split/1"\nby = "g"').start()
    parts = set()
    for number in range(200):
        source = {"g": f"owner {number}"}
        one = FilterRecord("p", 0, Digest.of(b"x"), {"g": "<REDACTED>"}, source)
        parts.add(decide(one))
    assert len(parts) == 3


def test_records_without_group_value_are_their_own_group() -> None:
    split = step('use = "split/1"\nby = "g"')
    assert isinstance(split, Split)
    one = document("only")
    assert split.start()(one) == Keep(split.part_of("record", one.id.hex))
    assert split.part_of("record", "x") == step('use = "split/1"').part_of("record", "x")


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("", "recipe = 1"),
        ("recipe = 2", "recipe = 1"),
        ("recipe = 1", "1 to 100 steps"),
        ("recipe = 1\nstpe = []", "'stpe'"),
        ('recipe = 1\n[[step]]\nuse = "redacted/1"', "'redacted/1'"),
        ('recipe = 1\n[[step]]\nuse = "allow/1"\nvalues = ["x"]', "lacks 'column'"),
        ('recipe = 1\n[[step]]\nuse = "allow/1"\ncolum = "x"\nvalues = ["x"]', "'colum'"),
        ('recipe = 1\n[[step]]\nuse = "allow/1"\ncolumn = "x"\nvalues = []', "list of strings"),
        (
            'recipe = 1\n[[step]]\nuse = "allow/1"\ncolumn = "x"\nvalues = ["a", "a"]',
            "without repeats",
        ),
        ('recipe = 1\n[[step]]\nuse = "redact/1"\npatterns = ["mail"]', "'mail'"),
        ('recipe = 1\n[[step]]\nuse = "split/1"\ntrain = 0.9', "add up to 1.1"),
        ('recipe = 1\n[[step]]\nuse = "split/1"\ntrain = 1.5', "between 0 and 1"),
        ('recipe = 1\n[[step]]\nuse = "split/1"\n[[step]]\nuse = "drop-empty/1"', "last step"),
        ('recipe = 1\n[[step]]\nuse = "drop-empty/1"\nx = 1', "unknown key"),
        ("recipe = ", "not TOML"),
    ],
)
def test_bad_recipes_are_named(toml: str, words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_recipe(toml.encode())
    assert caught.value.kind == "bad-recipe"
    assert words in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_near_matches_are_offered() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_recipe(b'recipe = 1\n[[step]]\nuse = "redcat/1"')
    assert "did you mean 'redact/1'" in caught.value.hint


def test_recipe_body_is_canonical() -> None:
    spelt = parse_recipe(b'recipe = 1\n[[step]]\nuse = "split/1"\ntrain = 0.80\ntest = "0.10"')
    plain = parse_recipe(b'recipe = 1\n[[step]]\nuse = "split/1"')
    assert spelt.body() == plain.body()
    assert plain.body()["steps"] == [
        {"use": "split/1", "seed": "0", "train": "0.8", "validation": "0.1", "test": "0.1"}
    ]
    assert isinstance(Redact.configure, object)
