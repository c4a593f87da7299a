"""The house rules that a machine can check."""

import ast
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from lyrikstore.canon import errors
from lyrikstore_cli import exits, main

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = sorted([*(REPOSITORY / "lyrikstore").rglob("*.py"), *(REPOSITORY / "cli").rglob("*.py")])
PAGE = sorted((REPOSITORY / "page").glob("[su]*/**/*.js"))


MOST_LINES = 600
"""Of a module; about 400 is usual."""


def test_modules_are_small_and_well_named() -> None:
    long = [path for path in MODULES if len(path.read_text("utf-8").splitlines()) > MOST_LINES]
    vague = [path for path in MODULES if re.search(r"utils|manager|helpers|misc", path.stem)]
    assert (long, vague) == ([], [])


def test_what_code_cites_of_the_spec_is_there() -> None:
    sections = {
        number
        for chapter in (REPOSITORY / "spec").glob("[0-9]*.md")
        for number in re.findall(r"^#+ ([0-9.]*[0-9])", chapter.read_text("utf-8"), re.MULTILINE)
    }
    cited = [
        (path.relative_to(REPOSITORY), number)
        for path in (*MODULES, *PAGE)
        for place in re.findall(r"spec §[0-9.,§ -]+", path.read_text("utf-8"))
        for number in re.findall(r"[0-9.]*[0-9]", place)
    ]
    assert len(cited) > 150
    assert not [place for place in cited if place[1] not in sections]
    # "§4 of chapter 4" once became "§4", which is all of that chapter.
    assert not [place for place in cited if "." not in place[1]]
    texts = {path: path.read_text("utf-8") for path in (*MODULES, *PAGE)}
    assert not [path for path, text in texts.items() if re.search(r"\.md section \d", text)]


COUNT = re.compile(
    r"\{(?!user\.kind|\w*MAX|\w*max_|[A-Z_]+\}|most\}|limit\})[^{}!]+\} (?:log |more )?"
    r"(?:packs|files|bytes|entries|records|blobs|documents|versions|credentials|manifests)\b"
)


def test_counts_go_through_the_one_function_for_them() -> None:
    found = [
        (path.relative_to(REPOSITORY), line)
        for path in MODULES
        # Cards that were signed are made again byte for byte, so their text stays.
        if not path.match("v1/render.py") and not path.match("v1/metrics.py")
        for line in path.read_text("utf-8").splitlines()
        if COUNT.search(line)
    ]
    assert not found, "use canon.text.pluralize"


def test_every_error_class_has_an_exit_code_and_a_meaning() -> None:
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.LyrikstoreError)
    ]
    assert len(classes) >= 13
    for cls in classes:
        assert exits.exit_code(cls("io", "message")) in exits.MEANING
        assert cls.__name__ in (errors.__doc__ or "")


def test_errors_survive_pickling_and_print_their_message() -> None:
    import pickle

    error = errors.NotFoundError("no-store", "no store", hint="init", details={"a": 1})
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.kind, str(copy), copy.hint, copy.details) == (
        "no-store",
        "no store",
        "init",
        {"a": 1},
    )


def test_every_verdict_has_its_exit_code() -> None:
    from lyrikstore.verify.report import Verdict

    assert set(exits.VERDICT) == {verdict.value for verdict in Verdict}


def test_every_command_loads_and_explains_itself() -> None:
    import click

    context = click.Context(main.program)
    for name in main.program.list_commands(context):
        loaded = main.program.get_command(context, name)
        assert loaded is not None
        assert loaded.help, name


def loaded(*arguments: str) -> set[str]:
    """Return the modules that an interpreter loads for ``arguments``, more than for nothing."""

    def names(*given: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *given], check=True, capture_output=True, text=True
        )
        lines = (line.split("|") for line in done.stderr.splitlines())
        return {line[2].strip() for line in lines if len(line) == 3}

    return names(*arguments) - names("-c", "")


def test_start_up_is_light() -> None:
    """``--help`` and ``import lyrikstore`` load little: 150 ms is the budget, in benchmarks."""
    for arguments, libraries, most in (
        (("-m", "lyrikstore_cli", "--help"), {"click", "lyrikstore", "lyrikstore_cli"}, 140),
        (("-c", "import lyrikstore"), {"lyrikstore"}, 50),
    ):
        modules = loaded(*arguments)
        tops = {module.partition(".")[0] for module in modules}
        assert tops - sys.stdlib_module_names == libraries
        assert len(modules) < most, sorted(modules)


def test_the_wheel_holds_what_it_should(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        tops = {name.split("/")[0] for name in names}
        assert {"lyrikstore", "lyrikstore_cli"} <= tops
        assert not tops & {"cli", "tests", "schemas", "spec", "examples", "benchmarks"}
        assert "lyrikstore/py.typed" in names
        for schema in (REPOSITORY / "schemas").rglob("*.json"):
            packaged = f"lyrikstore/_schemas/{schema.relative_to(REPOSITORY / 'schemas')}"
            assert archive.read(packaged) == schema.read_bytes()
        assert "lyrikstore/curate/recipes/builtin/legal.toml" in names
        for table in ("checks.json", "limits.json", "manifest-kinds.json", "unicode-14.json"):
            kept = (REPOSITORY / "spec" / table).read_bytes()
            assert archive.read(f"lyrikstore/_spec/{table}") == kept
        for module in [*MODULES, *(REPOSITORY / "lyrikstore").rglob("*.pyi")]:
            root = (
                REPOSITORY / "cli"
                if "cli" in module.relative_to(REPOSITORY).parts[0]
                else REPOSITORY
            )
            assert str(module.relative_to(root)) in names


MOST_MODULES = 13
"""In one folder; the commands have a file each."""


def test_a_folder_holds_few_modules() -> None:
    folders = Counter(
        module.parent.relative_to(REPOSITORY)
        for module in MODULES
        if module.name != "__init__.py" and module.parent.name != "commands"
    )
    assert {name: count for name, count in folders.items() if count > MOST_MODULES} == {}


def test_a_public_class_has_a_name_of_its_own() -> None:
    named: dict[str, list[Path]] = {}
    for module in MODULES:
        for node in ast.parse(module.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                named.setdefault(node.name, []).append(module.relative_to(REPOSITORY))
    assert {name: found for name, found in named.items() if len(found) > 1} == {}


def test_sources_of_the_page_import_in_no_circle() -> None:
    source = REPOSITORY / "page" / "src"
    imports = {
        file: {
            (file.parent / name).resolve()
            for name in re.findall(r'(?:from|import) ?\(?"(\.[^"]+)"', file.read_text("utf-8"))
        }
        for file in source.rglob("*.js")
    }
    # Neither files nor folders: what two of them share is where their paths part.
    below: dict[Path, set[Path]] = {}
    for file, names in imports.items():
        for name in names & imports.keys():
            shared = Path(os.path.commonpath([file, name]))
            mine, other = (shared / one.relative_to(shared).parts[0] for one in (file, name))
            below.setdefault(mine, set()).add(other)
    TopologicalSorter(below).prepare()  # raises CycleError


def test_floors_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_repository_names_no_machine_of_ours() -> None:
    listed = subprocess.run(
        ["git", "grep", "-nIE", r"(^|[^A-Za-z0-9_.])/(work|farm)/|index-url[ =]+http", "--", "."],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert not [line for line in listed.stdout.splitlines() if "test_house.py" not in line]


@pytest.mark.parametrize(
    ("index", "pages"),
    [("README.md", "docs/*.md"), ("docs/internals/README.md", "docs/internals/*.md"),
     ("spec/00-overview.md", "spec/[0-9]*.md"),
     ("spec/00-overview.md", "spec/adr/[0-9]*.md")],
)  # fmt: skip
def test_every_page_is_found_from_its_index(index: str, pages: str) -> None:
    place = REPOSITORY / index
    linked = {
        (place.parent / link.partition("#")[0]).resolve()
        for link in re.findall(r"\]\(([^)]+)\)", place.read_text("utf-8"))
    }
    found = {path.resolve() for path in REPOSITORY.glob(pages)} - {place}
    assert found
    assert not found - linked


MOST_WITH_PARTS = 10
"""Functions that take three or more parts of the context in place of it."""

PARTS_OF_CONTEXT = {
    *("repo", "repository", "signer", "trust", "clock", "env", "environment", "base_env"),
    *("cache", "cache_dir", "progress", "message", "now"),
}


def test_stage_functions_take_the_context_and_not_its_parts() -> None:
    found = []
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = node.args
                names = {one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
                if len(names & PARTS_OF_CONTEXT) >= 3:
                    found.append(f"{module.relative_to(REPOSITORY)}: {node.name}")
    assert len(found) < MOST_WITH_PARTS, found


def test_no_class_is_split_over_files_by_inheritance() -> None:
    """A class that nothing but one other's list of bases names is half of that one."""
    homes: dict[str, Path] = {}
    below: dict[str, list[Path]] = {}
    named: Counter[str] = Counter()
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Name):
                named[node.id] += 1
            elif isinstance(node, ast.ClassDef):
                homes[node.name] = module
                for base in node.bases:
                    name = base.value if isinstance(base, ast.Subscript) else base
                    if isinstance(name, ast.Name):
                        below.setdefault(name.id, []).append(module)
    split = [
        name
        for name, users in below.items()
        if name in homes and named[name] == len(users) == 1
        and users[0] != homes[name] and users[0].parent == homes[name].parent
    ]  # fmt: skip
    assert split == []
