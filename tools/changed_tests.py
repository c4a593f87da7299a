"""Print the tests of what changed: the arguments for pytest, one a line.

    python tools/changed_tests.py [SINCE]

SINCE is a commit, ``origin/main`` or else ``HEAD`` by default; what is not committed counts too. Of
a changed module these are the tests of its package (the sub-folder, where there is one), and those
of the command line that name its package or its command. It is a first answer in a minute or two:
what lies above a package is tested by ``make test``, and all of it in CI.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
ALWAYS = ("tests/meta",)
BESIDE = {
    "page": ("tests/web", "tests/differential", "tests/model", "tests/compat"),
    "schemas": ("tests/canon", "tests/verify/test_vectors.py"),
    "spec": ("tests/verify/test_vectors.py", "tests/history/test_log_vectors.py"),
    "examples": ("tests/cli/test_readme.py",),
    "docs": ("tests/cli/test_readme.py",),
}
"""Top folder → the tests of what is in it, beside its own."""


def changed(since: str) -> list[str]:
    """Return the paths of what changed since a commit, and what is new and not ignored."""
    lists = (
        ["git", "diff", "--name-only", "--relative", since],
        ["git", "ls-files", "--others", "--exclude-standard"],
    )
    found = [subprocess.run(one, cwd=ROOT, check=True, capture_output=True).stdout for one in lists]
    return sorted(set(b"".join(found).decode().splitlines()))


def default_since() -> str:
    """Return the newest commit that others have, or the last one."""
    known = ["git", "merge-base", "HEAD", "origin/main"]
    done = subprocess.run(known, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "HEAD"


def tests_of(path: str) -> Iterator[str]:
    """Yield the tests of one changed file."""
    parts = Path(path).parts
    if parts[0] == "tests":
        yield _of_tests(Path(path))
    elif parts[0] == "lyrikstore" and path.endswith(".py"):
        package = parts[1].removesuffix(".py")
        yield _deepest(TESTS / package, parts[2:-1])
        yield from _commands_naming(rf"\blyrikstore\.{re.escape(package)}\b")
    elif parts[0] == "cli" and "commands" in parts:
        name = parts[parts.index("commands") + 1].removesuffix(".py").rstrip("_")
        yield from _commands_naming(rf"[\"']{re.escape(name)}[\"']")
    elif parts[0] == "cli":
        yield "tests/cli"
    yield from BESIDE.get(parts[0], ())


def _of_tests(path: Path) -> str:
    # What other tests import, or a conftest, is a reason to run the folder.
    if path.name.startswith("test_") and path.suffix == ".py":
        return str(path)
    return "tests" if path.parent == Path("tests") else str(path.parent)


def _deepest(folder: Path, names: tuple[str, ...]) -> str:
    for name in names:
        if not (folder / name).is_dir():
            break
        folder /= name
    return str(folder.relative_to(ROOT)) if folder.is_dir() else "tests/api"


def _commands_naming(pattern: str) -> Iterator[str]:
    for file in sorted((TESTS / "cli").glob("test_*.py")):
        if re.search(pattern, file.read_text("utf-8")):
            yield str(file.relative_to(ROOT))


def main() -> None:
    """Print the tests."""
    since = sys.argv[1] if len(sys.argv) > 1 else default_since()
    found = {test for path in changed(since) for test in tests_of(path)}
    there = {test for test in {*found, *ALWAYS} if (ROOT / test).exists()}
    within = {one for one in there if any(one.startswith(f"{other}/") for other in there)}
    print("\n".join(sorted(there - within)))


if __name__ == "__main__":
    main()
