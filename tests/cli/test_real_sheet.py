"""A sheet and a folder as people have them: headings and names in their own language."""

import pytest

SHEET = """\
Datei;Länge (kB);@id;Prüfung am;Art
Befund Müller.FÜR;1,5;1;03.11.2024;a
brief.txt;0,25;2;2024-11-04;b
"""
RECIPE = """
recipe = 1
[[step]]
use = "allow/1"
column = "Art"
values = ["a", "b"]
"""


@pytest.fixture
def clinic(publisher):
    documents = publisher.folder / "documents"
    documents.mkdir()
    (documents / "Befund Müller.FÜR").write_text("ohne Befund\n")
    (documents / "brief.txt").write_text("ein Brief\n")
    (publisher.folder / "sheet.csv").write_text(SHEET, encoding="utf-8-sig")
    return publisher


def commit(person, *more):
    sheet = ("--metadata", "sheet.csv", "--key", "Datei")
    return ("commit", "documents", "-d", "klinik/befunde", *sheet, "--license", "CC0-1.0", *more)


def test_headings_and_suffixes_of_any_language_can_be_handed_on(clinic) -> None:
    clinic.ok(*commit(clinic))
    (clinic.folder / "clean.toml").write_text(RECIPE)
    clinic.ok("filter", "klinik/befunde", "--recipe", "clean.toml", "--as", "klinik/rein")
    for name in ("klinik/befunde", "klinik/rein"):
        fields = clinic.ok("show", name, "--json").json["manifest"]["body"]["descriptor"]
        assert fields["formats"]["value"] == [
            {"suffix": ".für", "files": 1},
            {"suffix": ".txt", "files": 1},
        ]
        assert fields["stats"]["value"]["columns"] == [
            {"column": column, "files": 2} for column in ("@id", "Art", "Länge (kB)", "Prüfung am")
        ]
        folder = name.replace("/", "-")
        clinic.ok("issue", name, "-o", folder, "--permit", "train")
        assert clinic.ok("verify", folder, "--json").json["verdict"] == "trusted"


def test_what_no_credential_can_hold_is_refused_at_commit(clinic) -> None:
    (clinic.folder / "about.toml").write_text('about = { "Zweck der Prüfung" = "Studie" }\n')
    refused = clinic.fails(16, *commit(clinic, "--describe", "about.toml"))
    assert "'Zweck der Prüfung' cannot name a member" in refused.err


def test_a_slip_on_a_list_is_named(clinic) -> None:
    clinic.ok(*commit(clinic))
    (clinic.folder / "slip.toml").write_text(RECIPE.replace('"b"', '"B", "b"'))
    derive = ("filter", "klinik/befunde", "--recipe", "slip.toml", "--as", "klinik/rein")
    found = clinic.ok(*derive)
    assert "! step 1: no record has 'B' in column 'Art'" in found.out
    assert clinic.ok(*derive, "--json").json["unmatched"] == [
        {"step": 1, "column": "Art", "value": "B"}
    ]
    (clinic.folder / "slip.toml").write_text(
        RECIPE.replace('"a", "b"', '"A"').replace("Art", "@id")
    )
    assert "step 1: no record has 'A' in column '@id'" in clinic.fails(17, *derive).err
