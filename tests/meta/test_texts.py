"""All texts of pages are in texts.json: each is used, each that is asked for is there."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXTS = json.loads((ROOT / "lyrikstore" / "web" / "texts.json").read_text("utf-8"))
NAMES = {f"{section}.{key}" for section, texts in TEXTS.items() for key in texts}
PROGRAMS = sorted((ROOT / "page" / "ui").rglob("*.js"))
TEMPLATES = sorted((ROOT / "page" / "ui").rglob("*.html"))
MODULES = sorted((ROOT / "lyrikstore").rglob("*.py"))
ANY = "\0"  # in the place of what an expression gives
ASKING = re.compile(r"""(?:pageText|countedText|wordedText)\(\s*(["`])(.*?)\1""")
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)
STRING = re.compile(r"""(["`])((?:\\.|(?!\1).)*)\1""", re.DOTALL)
IN_TEMPLATE = re.compile(r"\{([a-z]+\.[a-z0-9-]+)\}")
COMMAND = {"lyrikstore verify"}


def scripts() -> Iterator[str]:
    """Yield the programs of pages, without comments."""
    for path in PROGRAMS:
        yield COMMENT.sub("", path.read_text("utf-8"))


def asked_for() -> set[str]:
    """Return each name that is asked for; what an expression gives in it is ``ANY``."""
    found = {
        re.sub(r"\$\{[^}]*\}", ANY, name)
        for script in scripts()
        for _, name in ASKING.findall(script)
    }
    for path in TEMPLATES:
        found |= set(IN_TEMPLATE.findall(path.read_text("utf-8")))
    for path in MODULES:
        if "page_text" in (source := path.read_text("utf-8")):
            found |= set(_asked_in(source))
    return found


def _asked_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if (
            not isinstance(node, ast.Call)
            or getattr(node.func, "id", "") != "page_text"
            or not node.args
        ):
            continue
        match node.args[0]:
            case ast.Constant(value=str(name)):
                yield name
            case ast.JoinedStr(values=parts):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else ANY for part in parts
                )


def words() -> set[str]:
    """Return every string that stands in a program or a module."""
    found = {text for script in scripts() for _, text in STRING.findall(script)}
    for path in sorted((ROOT / "page" / "src").rglob("*.js")):
        found |= {text for _, text in STRING.findall(path.read_text("utf-8"))}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def test_every_text_that_is_asked_for_is_there() -> None:
    assert {name for name in asked_for() if ANY not in name} - NAMES == set()
    for name in asked_for():
        pattern = re.compile(re.escape(name).replace(re.escape(ANY), ".+"))
        assert name == ANY or any(map(pattern.fullmatch, NAMES)), name


def test_every_text_is_used() -> None:
    """By its name, or by a name with an expression in it that can give it."""
    asked, strings = asked_for(), words()
    parts = {text.strip("#").replace("/", "") for text in strings}
    made = [
        re.compile(re.escape(name).replace(re.escape(ANY), "(.*)")) for name in asked if ANY in name
    ]

    def is_made(name: str) -> bool:
        found = [one for pattern in made if (one := pattern.fullmatch(name))]
        return any(len(one.groups()) > 1 or one[1] in parts for one in found)

    assert {one for one in NAMES - asked - strings if not is_made(one)} == set()


def test_no_sentence_stands_in_a_program_or_a_template() -> None:
    for path, script in zip(PROGRAMS, scripts(), strict=True):
        plain = re.sub(
            r"""(class(?:Name)?["]?(?: =|:) *|querySelector\w*\()(["`]).*?\2""", "", script
        )
        said = {re.sub(r"\$\{[^}]*\}", "", text) for _, text in STRING.findall(plain)}
        found = {text for text in said if re.search("[A-Za-z]{2} [A-Za-z]", text)}
        assert found - COMMAND == set(), path
    for path in TEMPLATES:
        template = IN_TEMPLATE.sub("", path.read_text("utf-8"))
        shown = re.findall(
            r"""(?:aria-label|placeholder|title|alt)="([^"]*)"|>([^<]*)<""", template
        )
        shown = [
            (re.sub("[@#][A-Z]+[@#]", "", one), re.sub("[@#][A-Z]+[@#]", "", two))
            for one, two in shown
        ]
        left = {text for pair in shown for text in pair if re.search("[a-z]", text)}
        assert left - {"null", "BLAKE3"} == set(), path
