"""What earlier versions wrote is read, and judged as it should be.

``v0.1.0.json`` says what the answers should be, not what that version gave; the others say what
they were, which is what they should be: of each check its state, or its reason, or both.
"""

import json
import shutil
from pathlib import Path

import pytest

from tests import npm
from tests.compat.frozen import LATER, verdict_of
from tests.differential.judges import PAGE, Case, PageVerifier, by_python, differences

HERE = Path(__file__).resolve().parent
EXPECTED = {
    name: json.loads((HERE / f"{name}.json").read_text())
    for name in ("v0.1.0", "2026-12-01", "2026-12-01-deployments", "2026-12-01-rights")
}
CASES = [(name, one) for name, expected in EXPECTED.items() for one in expected["cases"]]
DELIVERED = [
    (name, one)
    for name, one in CASES
    if "store" not in one and not one["target"].endswith(".md") and one.get("page", True)
]
"""What the page judges, too: no cards, and no answers for them."""


def named(part) -> str:
    if isinstance(part, str):
        return part
    one = part
    parts = (
        one.get("target", one.get("store")),
        one.get("trust", "nobody"),
        *one.get("beside", ()),
    )
    return "-".join(part.rpartition("/")[2] for part in parts)


def lay(made: Path, one, folder: Path) -> Path:
    """Copy the target to ``folder``, with what lies beside it, and return where it is."""
    source = made / one["target"]
    target = folder / "delivery"
    shutil.copytree(source if source.is_dir() else source.parent, target)
    for beside in one.get("beside", ()):
        for file in (made / beside).iterdir():
            shutil.copy(file, target)
    return target if source.is_dir() else target / source.name


@pytest.mark.parametrize(("name", "one"), CASES, ids=named)
def test_it_is_judged_as_it_should_be(name, one, new_person) -> None:
    reader, made = new_person("reader"), HERE / name
    asked = ["--at", EXPECTED[name]["at"], "--json", *one.get("arguments", ())]
    if "trust" in one:
        asked += ["--trust", made / "trust" / f"{one['trust']}.toml"]
    if "store" in one:  # a copy: what opens it may write its lock
        shutil.copytree(made / one["store"], reader.folder / "store")
        asked += ["--store", reader.folder / "store"]
    target = one.get("target")
    if target is not None and (made / target).exists():
        target = lay(made, one, reader.folder)
    report = reader.run("verify", *([] if target is None else [target]), *asked)
    assert report.json["verdict"] == one["verdict"], report.out
    for check, state in one.get("checks", {}).items():
        found = report.check(check)
        reason = found["detail"].get("reason", found["state"])
        now = {reason, verdict_of(report.json)["checks"][check]}
        assert LATER.get((check, state), state) in now, found


@pytest.fixture(scope="module")
def page():
    npm.generated(PAGE)
    with PageVerifier() as verifier:
        yield verifier


@pytest.mark.page
@pytest.mark.parametrize(("name", "one"), DELIVERED, ids=named)
def test_the_page_says_the_same(name, one, page) -> None:
    made, trust = HERE / name, b"version = 1\n"
    target = made / one["target"]
    if "trust" in one:
        trust = (made / "trust" / f"{one['trust']}.toml").read_bytes()
    if (target / "lyrikstore").is_dir():
        case = deployed(target, trust, EXPECTED[name]["at"])
        assert differences(by_python(case), page(case)) == []
        return
    folder = target if target.is_dir() else target.parent
    files = [folder, *(made / beside for beside in one.get("beside", ()))]
    asked = dict(zip(("challenge", "domain"), one.get("arguments", ())[1::2], strict=False))
    data = folder / "data"
    case = Case(
        (target / "credential.json" if target.is_dir() else target).read_bytes(),
        {
            file.name: file.read_bytes()
            for each in files
            for file in each.iterdir()
            if file.is_file()
        },
        files_below(data) if data.is_dir() else None,
        trust,
        EXPECTED[name]["at"],
        **asked,
    )
    assert differences(by_python(case), page(case)) == []


def deployed(folder: Path, trust: bytes, at: str) -> Case:
    """Return a deployed folder as the page is handed it."""
    files, below = files_below(folder), "lyrikstore/"
    inside = {Path(path).name: data for path, data in files.items() if path.startswith(below)}
    rest = {path: data for path, data in files.items() if not path.startswith(below)}
    return Case(b"", inside, rest, trust, at, deployed=True)


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder and its folders by their path in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
