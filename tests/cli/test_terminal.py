"""Text of others never steers the terminal, whichever command shows it, and in which form."""

import unicodedata

import pytest

from lyrikstore_cli.output.screen import Screen

HOSTILE = "a\x1b[31mb\x9b2Jc\u202ed\u2028e\x7ff"
"""An escape, the same in one character, a line turned round, another line, a deletion."""


@pytest.fixture
def hostile(publisher):
    """A dataset whose metadata and message are foreign."""
    folder = publisher.folder / "data"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.txt").write_text(str(number))
    sheet = publisher.folder / "sheet.csv"
    rows = "".join(f'{number}.txt,"{HOSTILE}{number}"\n' for number in range(4))
    sheet.write_text(f"path,label\n{rows}", encoding="utf-8")
    publisher.ok("commit", folder, "-d", "acme/x", "--metadata", sheet, "-m", HOSTILE)
    return publisher


@pytest.mark.parametrize(
    "arguments",
    [
        ("log",),
        ("log", "--json"),
        ("show", "acme/x"),
        ("show", "acme/x", "--json"),
        ("show", "acme/x", "--files", "--json"),
        ("query", "SELECT value FROM metadata"),
        ("query", "SELECT value FROM metadata", "--json"),
        ("lineage", "acme/x"),
        ("impact", "acme/x"),
    ],
)
def test_nothing_that_is_shown_steers_the_terminal(hostile, arguments) -> None:
    result = hostile.ok(*arguments)
    for text in (result.out, result.err):
        steering = [
            char
            for char in text.replace("\n", "")
            if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}
        ]
        assert not steering, ascii(text)
    if "--json" in arguments and arguments[0] == "query":
        assert any(HOSTILE in text for text in strings(result.json))  # the same to programs


def test_what_a_command_forgets_to_quote_ends_at_the_screen(capsys) -> None:
    """Such as the label of a model, which whoever trained it chose."""
    Screen(json=False, quiet=False, color=False, verbose=False).result(f"0.99  {HOSTILE}")
    assert capsys.readouterr().out == "0.99  a\\x1b[31mb\\x9b2Jc\\u202ed\\u2028e\\x7ff\n"


def strings(value: object) -> list[str]:
    """Return every string in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in strings(item)]
