"""TOML within bounds: what the standard library's parser would take memory, time or stack for."""

from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.toml import MAX_KEY_PARTS, parse_toml
from lyrikstore.credentials.model.attestation import parse_statement
from lyrikstore.credentials.model.card_attestation import parse_card_statement
from lyrikstore.credentials.trust.file import parse_trust
from lyrikstore.curate.descriptor import load_descriptor
from lyrikstore.curate.recipes.recipe import load_recipe
from lyrikstore.curate.terms.offer import load_offer
from lyrikstore.train.config import TrainConfig

MAX = 1 << 20
LONG = ".".join("a" * 100_000)

HOSTILE = {
    "integer of 5,000 digits": "a = " + "9" * 5000,
    "integer of 6,000 hex digits": "a = 0x" + "f" * 6000,
    "integer of 65 bits": "a = [1, {b = 9223372036854775808}]",
    "decimal too large to write out": "a = 1e999999999",
    "decimal too small to write out": "a = 1e-999999999",
    "decimal beyond any exponent": "a = 1e99999999999999999999",
    "no number": "a = nan",
    "infinity": "a = -inf",
    "long key": LONG + " = 1",
    "long key, spaced": LONG.replace(".", " .\t") + " = 1",
    "long key, quoted": LONG.replace("a", "'a'") + " = 1",
    "long key, half quoted": LONG.replace("a.a", '"\\"".a') + " = 1",
    "long table": f"[{LONG}]",
    "long key in a table": f"x = {{{LONG} = 1}}",
    "long key behind strings": f'x = """\'\n#"""\ny = \'#\'\n{LONG} = 1',
    "long keys, one in the other": ("{" + ".".join("a" * 30) + "=") * 300,
    "brackets": "a = " + "[" * 100_000,
    "braces": "a = {" * 100_000,
    "quotes never closed": 'a = "' + '\\"' * 500_000,
    "many quotes never closed": 'a = "' * 200_000,
    "text never closed": 'a = """' + "x\\n" * 300_000,
    "one long word": "a" * 1_000_000,
    "words and spaces": "a " * 500_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_reader_refuses_with_our_own_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        parse_toml(text.encode(), max_bytes=MAX)
    assert caught.value.kind == "bad-toml"
    assert "\n" not in caught.value.message
    path = tmp_path / "x.toml"
    path.write_text(text)
    for read in (load_recipe, load_descriptor, load_offer):
        with pytest.raises(LyrikstoreError):
            read(path)
    answers = partial(parse_card_statement, kind="answers")
    for parse in (TrainConfig.parse, answers, parse_statement, parse_trust):
        with pytest.raises(LyrikstoreError):
            parse(text.encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (".".join("a" * MAX_KEY_PARTS) + "= 1", None),
        (f"x = '''\n{LONG}\n'''", None),
        (f'x = "{LONG}"  # {LONG}', None),
        (f'x = """\\"""{LONG}"""', None),
        ("\ufeffx = 1", {"x": 1}),
        ("x = 1_0.50", {"x": Decimal("10.50")}),
        ("x = [-9223372036854775808, 9223372036854775807]", None),
        ("\"x y\".'z' = true", {"x y": {"z": True}}),
    ],
)
def test_what_is_not_beyond_them_is_read(text: str, value: object) -> None:
    found = parse_toml(text.encode(), max_bytes=MAX)
    assert value is None or found == value


def test_other_encodings_and_long_files_are_named() -> None:
    with pytest.raises(FormatError, match="not UTF-8"):
        parse_toml("x = 1".encode("utf-16"), max_bytes=MAX)
    with pytest.raises(FormatError, match="longer than 4 bytes"):
        parse_toml(b"x = 1", max_bytes=4)
