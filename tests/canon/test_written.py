"""What is wrong in a file that somebody wrote is told in the words of the file."""

from datetime import date, datetime, time

import pytest

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.toml import check_user_file

PART = {"name": "open", "permits": ["train"]}


@pytest.mark.parametrize(
    ("terms", "said", "hint"),
    [
        (
            {"partition": [PART, {**PART, "limits": {"useUntil": "31.12.2027"}}]},
            'partition 2, limits.useUntil: "31.12.2027" is not written as it has to be',
            "such as 2027-12-31T23:59:59Z",
        ),
        (
            {"permits": ["train"], "limits": {"territory": ["DE", "Germany"]}},
            'limits.territory 2: "Germany" is not written as it has to be',
            "such as DE or US-CA or EU",
        ),
        (
            {"partition": [{**PART, "require": ["attribution"]}]},
            "partition 1: 'require' is unknown",
            "did you mean 'requires'?",
        ),
        ({"partition": [{"permits": []}]}, "partition 1: 'name' is missing", ""),
        ({"permits": "train"}, 'permits: "train" has to be a list, in brackets', ""),
        (
            {"permits": ["train"], "limits": {"seats": "5"}},
            'limits.seats: "5" has to be a whole number, without quotes',
            "",
        ),
        (
            {"permits": [], "measure": {"use": "metadataShare/1"}},
            "measure: a table has to be one of a list: [[measure]]",
            "",
        ),
        (
            {"permits": ["train"], "partition": [PART]},
            "permits: cannot stand here beside the rest",
            "",
        ),
        (
            {"partition": [{**PART, "select": ["client"]}]},
            'partition 1, select 1: "client" has none of the forms it may have',
            "",
        ),
    ],
)
def test_a_fault_is_reported_in_the_words_of_the_file(terms: dict, said: str, hint: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_user_file(terms, "terms")
    assert (caught.value.message, caught.value.hint) == (said, hint)


def test_a_word_of_a_choice_is_named_with_the_others() -> None:
    config = {"purpose": "train", "name": "checkpoints/a/b", "data": {}, "model": {"base": "x"}}
    config["data"] = {"train": "a/b", "validation": "a/c", "label": "x"}
    config["training"] = {"keep": "every epoch"}
    with pytest.raises(FormatError) as caught:
        check_user_file(config, "train-config")
    assert caught.value.message == 'training.keep: "every epoch" is none of best, last, every-epoch'
    assert caught.value.hint == "did you mean 'every-epoch'?"


def test_what_is_right_is_let_through() -> None:
    check_user_file({"partition": [PART]}, "terms")


def test_what_the_file_knows_nothing_of_is_no_part_of_a_place() -> None:
    with pytest.raises(FormatError) as caught:
        check_user_file({"permits": [], "limits": {"seats": 0}}, "terms", inside=("limits",))
    assert caught.value.message == "seats: 0 is less than the minimum of 1"


@pytest.mark.parametrize("value", [time(7, 32), date(2026, 1, 1), datetime(2026, 1, 1)])
def test_a_time_of_toml_is_refused_wherever_another_fault_is(value) -> None:
    for terms in ({"partition": value}, {"other": value}, {"partition": [], "z": {"a": [value]}}):
        with pytest.raises(FormatError):
            check_user_file(terms, "terms")
