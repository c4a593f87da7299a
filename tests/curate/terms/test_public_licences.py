"""Terms that are narrower than the public licence that is stated."""

from pathlib import Path

import pytest

from lyrikstore.canon.toml import parse_toml
from lyrikstore.credentials.terms.model import Partition, Terms, UsageLimits
from lyrikstore.credentials.terms.vocabulary import DUTIES, PERMISSIONS
from lyrikstore.curate.terms import public_licences
from lyrikstore.curate.terms.licence import parse_licence
from lyrikstore.curate.terms.public_licences import narrower_terms

ALL = ("commercialUse", "modify", "redistribute")


def found(whole: str | None, **members: object) -> list[tuple[object, ...]]:
    part = Partition("all", **members)  # type: ignore[arg-type]
    return [(one.acts, one.duties, one.limits) for one in narrower_terms(Terms((part,), whole))]


@pytest.mark.parametrize(
    ("licence", "members", "expected"),
    [
        ("MIT", {"permits": ALL}, []),
        ("MIT", {"permits": ("commercialUse", "redistribute")}, [(("modify",), (), ())]),
        (
            "CC-BY-4.0",
            {"permits": ("modify", "redistribute"), "prohibits": ("commercialUse",)},
            [(("commercialUse",), (), ())],
        ),
        ("CC-BY-NC-4.0", {"permits": ("modify", "redistribute")}, []),
        ("MIT", {"permits": ALL, "requires": ("includeLicence",)}, []),
        ("MIT", {"permits": ALL, "requires": ("reportUse",)}, [((), ("reportUse",), ())]),
        (
            "MIT",
            {"permits": ALL, "limits": UsageLimits(territory=("DE",))},
            [((), (), ("territory",))],
        ),
        ("MIT AND CC-BY-NC-4.0", {"permits": ("modify", "redistribute")}, []),
        ("(MIT OR CC-BY-NC-4.0)", {"permits": ("modify",)}, [(ALL[::2], (), ())]),
        ("LicenseRef-Own", {"permits": ("train",)}, []),
        ("MIT AND LicenseRef-Own", {"permits": ("train",)}, []),
        (None, {"permits": ()}, []),
        ("MIT", {"permits": (), "licence": "NONE"}, []),
    ],
)
def test_what_is_narrower(licence, members, expected) -> None:
    assert found(licence, **members) == expected


def test_the_table_speaks_of_licences_and_words_that_there_are() -> None:
    path = Path(public_licences.__file__).with_suffix(".toml")
    table = parse_toml(path.read_bytes(), max_bytes=1 << 16)
    ids = [one for entry in table["licence"] for one in entry["ids"]]
    assert len(ids) == len(set(ids)) > 30
    assert [parse_licence(one) for one in ids] == ids
    for entry in table["licence"]:
        assert PERMISSIONS.keys() >= set(entry["permits"])
        assert DUTIES.keys() >= set(entry["requires"])
    assert str(table["asOf"]) >= "2026-12-01"
