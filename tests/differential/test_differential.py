"""The Python verifier and the page's give one answer to whatever a change of a genuine case makes.

`python -m tests.differential.fuzz` looks on, for as long as it is told.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import npm
from tests.differential.fuzz import search
from tests.differential.judges import PAGE, Case, PageVerifier, by_python, differences
from tests.differential.seeds import seeds

WOUNDS = {
    "a minute of skew": ("canon/timestamps.js", "SECONDS * 1000", "SECONDS * 1200"),
    "one level deeper": ("canon/json.js", "depth === MAX_JSON_DEPTH", "depth > MAX_JSON_DEPTH"),
    "base64 in any spelling": ("canon/bytes.js", "base64(bytes) === encoded", "true"),
    "numbers with zeros": ("history/log/log.js", "/^(?:0|[1-9][0-9]{0,15})$/", "/^[0-9]{1,16}$/"),
    "a member twice": ("canon/json.js", "if (Object.hasOwn(members, name))", "if (false)"),
}
"""What a page could get wrong: file, what stands there, what stands there instead."""


@pytest.fixture(scope="module")
def page() -> Iterator[PageVerifier]:
    npm.generated(PAGE)
    with PageVerifier() as verifier:
        yield verifier


def wounded(folder: Path, file: str, sound: str, wrong: str) -> Path:
    """Return a copy of the page's sources in which one text is another."""
    for name in ("node_modules", "generated", "package.json"):
        (folder / name).symlink_to(PAGE / name)
    shutil.copytree(PAGE / "src", folder / "src")
    source = (folder / "src" / file).read_text("utf-8")
    assert source.count(sound) == 1
    (folder / "src" / file).write_text(source.replace(sound, wrong), "utf-8")
    return folder


@pytest.mark.page
@pytest.mark.slow
def test_of_genuine_cases(page: PageVerifier) -> None:
    for name, case in seeds().items():
        assert not differences(by_python(case), page(case)), name


FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))
"""Cases on which they once differed, made small."""


@pytest.mark.page
@pytest.mark.parametrize("file", FOUND, ids=lambda file: file.stem)
def test_of_what_was_found(page: PageVerifier, file: Path) -> None:
    case = Case.of_json(json.loads(file.read_text("ascii")))
    assert not differences(by_python(case), page(case))


@pytest.mark.page
def test_of_changed_ones(page: PageVerifier) -> None:
    found = list(search(page, 1, range(150)))
    assert not found, "\n".join(map(str, found))


@pytest.mark.page
@pytest.mark.slow
def test_of_many_changed_ones(page: PageVerifier) -> None:
    found = list(search(page, 2, range(20_000)))
    assert not found, "\n".join(map(str, found))


@pytest.mark.page
@pytest.mark.slow
@pytest.mark.parametrize("wound", WOUNDS)
@pytest.mark.usefixtures("page")
def test_finds_what_one_gets_wrong(wound: str, tmp_path: Path) -> None:
    with PageVerifier(wounded(tmp_path, *WOUNDS[wound])) as wrong:
        found = next(search(wrong, 1, range(3000)))
    assert found.differences
    assert len(found.case.siblings) <= 3, found  # made small


@pytest.mark.page
@pytest.mark.usefixtures("page")
def test_finds_a_wrong_verdict(tmp_path: Path) -> None:
    name, case = next(item for item in seeds().items() if item[0].endswith("/expired"))
    with PageVerifier(wounded(tmp_path, *WOUNDS["a minute of skew"])) as wrong:
        assert differences(by_python(case), wrong(case)), name
