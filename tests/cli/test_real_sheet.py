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
    return ("commit", "documents", "-d", "klinik/befunde", *sheet, "--licence", "CC0-1.0", *more)


def test_headings_and_suffixes_of_any_language_can_be_redistributed(clinic) -> None:
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
    refused = clinic.fails(16, *commit(clinic, "--describe", "about.toml"), "--json")
    assert refused.kind == "bad-descriptor"


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
    assert clinic.fails(17, *derive, "--json").kind == "nothing-kept"


def test_names_from_a_mac_are_recorded_in_form_c(clinic) -> None:
    documents = clinic.folder / "documents"
    written = "Befund Mu\u0308ller.FU\u0308R"
    (documents / "Befund Müller.FÜR").rename(documents / written)
    (documents / "Ko\u0308ln").mkdir()
    (documents / "Ko\u0308ln" / "brief.md").write_text("noch ein Brief\n")
    refused = clinic.fails(16, *commit(clinic))
    assert "(and 1 more)" in refused.err
    assert "--nfc" in refused.err
    found = clinic.ok(*commit(clinic, "--nfc", "--json")).json
    assert found["composed"] == ["Befund Müller.FÜR", "Köln/brief.md"]
    assert found["orphanRows"] == []
    assert found["added"] == ["Befund Müller.FÜR", "Köln/brief.md", "brief.txt"]
    assert "nothing changed" in clinic.ok("status").out
    assert "nothing new" in clinic.ok(*commit(clinic)).out
    (documents / written).write_text("doch ein Befund\n")
    (documents / "Köln.txt").write_text("neu\n")
    assert clinic.ok("status", "--json").json["folders"][0]["modified"] == ["Befund Müller.FÜR"]
    clinic.fails(16, *commit(clinic))
    changed = clinic.ok(*commit(clinic, "--nfc", "--json")).json
    assert (changed["added"], changed["modified"]) == (["Köln.txt"], ["Befund Müller.FÜR"])
    clinic.ok("checkout", "klinik/befunde", "out")
    assert (clinic.folder / "out" / "Befund Müller.FÜR").read_text() == "doch ein Befund\n"
    assert (documents / written).exists()


def test_two_files_whose_names_look_alike_stay_refused(clinic) -> None:
    (clinic.folder / "documents" / "Befund Mu\u0308ller.FU\u0308R").write_text("ein anderer\n")
    assert clinic.fails(16, *commit(clinic, "--nfc"), "--json").kind == "bad-files"


def test_what_a_desktop_leaves_behind_is_pointed_out(clinic) -> None:
    documents = clinic.folder / "documents"
    (documents / "Thumbs.db").write_text("x")
    found = clinic.ok(*commit(clinic))
    assert "! recorded files of the desktop, not of the data: 1: Thumbs.db" in found.out
    assert "documents/.lyrikignore" in found.err
    (documents / ".lyrikignore").write_text("Thumbs.db\n")
    assert "files of the desktop" not in clinic.ok(*commit(clinic, "--yes")).out


def test_spaces_around_a_name_in_the_sheet_are_pointed_out(clinic) -> None:
    sheet = SHEET.replace("brief.txt;", "brief.txt  ;")
    (clinic.folder / "sheet.csv").write_text(sheet, encoding="utf-8-sig")
    refused = clinic.fails(16, *commit(clinic), "--json")
    assert refused.kind == "orphan-rows"
    (clinic.folder / "sheet.csv").write_text(SHEET.replace("brief.txt;", "brief.pdf;"))
    assert "without the spaces" not in clinic.fails(16, *commit(clinic)).err


@pytest.mark.parametrize(
    "written",
    [
        r"Akten\brief.txt",
        "./Akten/brief.txt",
        "akten/Brief.TXT",
        "Akten/brief",
        r"C:\Kanzlei\Akten\brief.txt",
    ],
)
def test_a_path_in_another_spelling_gets_the_right_one(clinic, written) -> None:
    (clinic.folder / "documents" / "Akten").mkdir()
    (clinic.folder / "documents" / "brief.txt").rename(
        clinic.folder / "documents" / "Akten" / "brief.txt"
    )
    sheet = SHEET.replace("brief.txt;", f"{written};")
    (clinic.folder / "sheet.csv").write_text(sheet, encoding="utf-8-sig")
    assert clinic.fails(16, *commit(clinic), "--json").kind == "orphan-rows"
