"""What can be added has a registry, and what was added is whole: each gap is named in words.

CONTRIBUTING says in which order one adds a filter, a command and the rest; the walks below do so in
a copy of what they change, and hold that each step closes the gap that is named for it. Targets
are in ``test_targets.py``.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import click
import pytest

from lyrikstore.curate.commit.rows.sample import LANGUAGES, TOKENS
from lyrikstore.curate.convert import FORMATS as CONVERTED
from lyrikstore.curate.extract.document import FORMATS as DOCUMENT_FORMATS
from lyrikstore.curate.readers import READERS
from lyrikstore.curate.recipes import recipe
from lyrikstore.curate.recipes.filters.contract import (
    TEXT,
    Decide,
    Drop,
    Filter,
    FilterRecord,
    Keep,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.recipes.filters.registry import FILTERS
from lyrikstore.train.external.job import TARGETS as JOBS
from lyrikstore.train.formats.architectures import FAMILIES
from lyrikstore.train.formats.family import Family
from lyrikstore.train.formats.formats import BLEND, FOREIGN, FORMATS
from lyrikstore.train.requirements import CPU, CUDA
from lyrikstore.verify.checks import CHECKS
from lyrikstore.verify.evaluation.tasks import task_names
from lyrikstore_cli import main
from tests.conftest import REPOSITORY
from tests.curate.tried import decided, document
from tests.epilogs import result_of
from tools import make_docs, make_schemas

WITHOUT_VECTOR = {"language/1"}
"""Of before the rule: what it says are probabilities of a model; tests/curate alone holds it."""


class Source:
    """The repository, or a copy of the part of it that somebody changes."""

    def __init__(self, root: Path = REPOSITORY) -> None:
        self.root = root

    def text(self, path: str) -> str:
        return (self.root / path).read_text("utf-8")

    def section(self, path: str, heading: str) -> str | None:
        """Return a section with its heading; None where no heading matches the pattern."""
        found = re.search(rf"^(#+) {heading}$", text := self.text(path), re.MULTILINE)
        if found is None:
            return None
        rest = text[found.end() :]
        end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
        return found[0] + (rest[: end.start()] if end else rest)

    def names(self, pattern: str, name: str, *, quote: str = '"') -> bool:
        """Return whether a file that matches the pattern has the name as a string."""
        said = f"{quote}{name}{quote}"
        return any(said in path.read_text("utf-8") for path in sorted(self.root.glob(pattern)))


HERE = Source()
RECIPES = "schemas/recipe.schema.json"


def of_recipes(more: Mapping[str, type[Filter]]) -> Any:
    return make_schemas.schemas({**FILTERS, **more})["recipe.schema.json"]


def of_filter(use: str, kind: type[Filter], source: Source = HERE) -> Iterator[str]:
    if use != kind.USE:
        yield f"its class calls it {kind.USE}"
    if (about := source.section("docs/recipes.md", re.escape(use))) is None:
        yield "no section in docs/recipes.md"
    elif lacking := [
        name for name in sorted(one.name for one in kind.PARAMETERS) if f"`{name}`" not in about
    ]:
        yield f"docs/recipes.md does not explain {', '.join(lacking)}"
    heading = rf"12\.5\.\d+ .*`{re.escape(use)}`.*"
    if (rules := source.section("spec/12-curation.md", heading)) is None:
        yield "not in spec 12.5"
    named = re.findall(r"`(vectors/[\w/.-]+\.json)`", rules or "")
    if use not in WITHOUT_VECTOR and not any(
        (source.root / "spec" / name).is_file() for name in named
    ):
        yield "no vector"
    if source.text(RECIPES) != make_schemas.write(of_recipes({use: kind})):
        yield f"{RECIPES} does not say what it takes: make docs"
    if not source.names("tests/curate/**/*.py", use) and use not in source.text(
        "tests/curate/test_vectors.py"
    ):
        yield "no test in tests/curate"


def of_command(name: str, source: Source = HERE) -> Iterator[str]:
    command = main.program.get_command(click.Context(main.program), name)
    if command is None:
        yield "no module in cli/lyrikstore_cli/commands"
        return
    if not command.help:
        yield "its function has no docstring, which is its help"
    parts = [""]
    if isinstance(command, click.Group):
        parts = command.list_commands(click.Context(command))
    for part in parts:
        full = f"{name} {part}".strip()
        result = f"schemas/cli/{result_of(full.split())}.schema.json"
        if not (source.root / result).is_file():
            yield f"no {result}"
        if source.section("docs/cli.md", rf"`lyrikstore {full}( .*)?`") is None:
            yield f"{full} is not in docs/cli.md: make docs"
    if not source.names("tests/**/*.py", name):
        yield "no test types it"


def of_reader(name: str, source: Source = HERE) -> Iterator[str]:
    if not source.names("spec/09-records.md", name, quote="`"):
        yield "not in spec 9.1"
    if name != "csv/1" and not source.names("docs/*.md", name, quote=""):
        yield "no page of docs/ names it"
    if not source.names("tests/**/*.py", name):
        yield "no test reads with it"


def of_document_format(name: str, source: Source = HERE) -> Iterator[str]:
    rules = source.section("spec/12-curation.md", r"12\.5\.10 .*") or ""
    if name.upper() not in rules.upper():
        yield "not in spec 12.5.10"
    about = source.section("docs/recipes.md", "extract-text/2") or ""
    if name.upper() not in about.upper():
        yield "section extract-text/2 of docs/recipes.md does not name it"


def of_checkpoint_format(name: str, source: Source = HERE) -> Iterator[str]:
    if not source.names("spec/13-runs.md", name, quote="`"):
        yield "not in spec 13"
    if not source.names("tests/**/*.py", name):
        yield "no test names it"


def of_base(family: Family, source: Source = HERE) -> Iterator[str]:
    for name in (family.model_type, *family.architectures):
        if not source.names("spec/13-runs.md", name, quote="`"):
            yield f"{name} is not in the tables of spec 13"


def of_task(name: str, source: Source = HERE) -> Iterator[str]:
    if not source.names("docs/training.md", name, quote="`") and not source.names(
        "docs/training.md", name
    ):
        yield "docs/training.md does not name it"
    if not source.names("spec/13-runs.md", name, quote="`"):
        yield "not in spec 13"
    if not source.names("tests/train/**/*.py", name):
        yield "no test in tests/train"


def of_check(name: str, source: Source = HERE) -> Iterator[str]:
    table = json.loads(source.text("spec/checks.json"))
    if name not in table["checks"]:
        yield "no line in spec/checks.json"
        return
    makers = {one for one, made in table["procedures"].items() if name in made["checks"]}
    if not makers:
        yield "no procedure of spec/checks.json makes it"
    chapter = table["checks"][name]["spec"].partition("#")[0]
    if f"`{name}`" not in source.text(chapter.replace("10-credentials", "11-verification")):
        yield f"{chapter} does not name it"
    if not source.names("lyrikstore/**/*.py", name):
        yield "no function in lyrikstore/ makes it"
    by_python = {"card", "card-alone", "object", "page", "store"}  # the page judges none of these
    if makers - by_python and not source.names("page/src/**/*.js", name):
        yield "no function in page/src makes it"


POINTS: list[tuple[str, Mapping[str, Any], Callable[..., Iterator[str]]]] = [
    ("filter", FILTERS, of_filter),
    ("command", dict.fromkeys(main.MODULES), lambda name, _: of_command(name)),
    ("reader", dict.fromkeys(READERS), lambda name, _: of_reader(name)),
    ("document format", DOCUMENT_FORMATS, lambda name, _: of_document_format(name)),
    (
        "checkpoint format",
        dict.fromkeys((*FORMATS, *FOREIGN, BLEND)),
        lambda name, _: of_checkpoint_format(name),
    ),
    ("base", FAMILIES, lambda _, family: of_base(family)),
    ("task", dict.fromkeys(task_names()), lambda name, _: of_task(name)),
    ("check", CHECKS, lambda name, _: of_check(name)),
]


@pytest.mark.parametrize(("what", "registry", "gaps"), POINTS, ids=[one[0] for one in POINTS])
def test_what_was_added_is_whole(
    what: str, registry: Mapping[str, Any], gaps: Callable[..., Iterator[str]]
) -> None:
    found = [f"{what} {name}: {gap}" for name, one in registry.items() for gap in gaps(name, one)]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("path", make_schemas.schemas())
def test_schemas_are_those_of_the_registries(path: str) -> None:
    wanted = make_schemas.write(make_schemas.schemas()[path])
    assert (make_schemas.SCHEMAS / path).read_text("utf-8") == wanted, "make docs"


@pytest.mark.parametrize(
    ("command", "option", "names"),
    [
        ("checkout", "form", CONVERTED),
        ("commit", "measures", (TOKENS, LANGUAGES)),
        ("train", "target", JOBS),
        ("evaluate", "device", (CPU, CUDA)),
    ],
)
def test_choices_are_those_that_there_are(
    command: str, option: str, names: tuple[str, ...]
) -> None:
    # Not taken from there: loading it takes longer than the command.
    found = main.program.get_command(click.Context(main.program), command)
    assert found is not None
    choices = {one.name: one.type for one in found.params}[option]
    assert isinstance(choices, click.Choice)
    assert tuple(choices.choices) == names


def copy(folder: Path, *paths: str) -> Source:
    """Return a copy of some files, which a walk changes."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / path, folder / path)
    return Source(folder)


def write(source: Source, path: str, text: str) -> None:
    """Add text to the end of a file, which is made where it is absent."""
    (source.root / path).parent.mkdir(parents=True, exist_ok=True)
    with (source.root / path).open("a", encoding="utf-8") as file:
        file.write(text)


def edit(source: Source, path: str, change: Callable[[Any], None]) -> None:
    document = json.loads(source.text(path))
    change(document)
    (source.root / path).write_text(json.dumps(document), "utf-8")


class MinWords(Filter):
    """Drops documents of few words."""

    USE: ClassVar[str] = "min-words/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (Parameter("least", "number", "words"),)

    def __init__(self, least: int) -> None:
        self.least = least

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        return cls(int(values["least"]))

    def reads(self) -> tuple[str, ...]:
        return (TEXT,)

    def start(self) -> Decide:
        return self._decide

    def _decide(self, record: FilterRecord) -> Keep | Drop:
        words = len((record.text or "").split())
        return Keep() if words >= self.least else Drop("few-words", f"{words} words")


def test_a_filter_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use = MinWords.USE
    source = copy(
        tmp_path,
        *("docs/recipes.md", "spec/12-curation.md", RECIPES),
        "tests/curate/test_vectors.py",
    )

    def gaps() -> list[str]:
        return list(of_filter(use, MinWords, source))

    assert gaps() == [
        "no section in docs/recipes.md",
        "not in spec 12.5",
        "no vector",
        f"{RECIPES} does not say what it takes: make docs",
        "no test in tests/curate",
    ]
    vector = "vectors/filters/min-words.json"
    write(source, "spec/12-curation.md", f"\n### 12.5.99 `{use}`\n\nVectors: `{vector}`.\n")
    write(source, f"spec/{vector}", "[]")
    assert gaps()[1] == f"{RECIPES} does not say what it takes: make docs"
    (source.root / RECIPES).write_text(make_schemas.write(of_recipes({use: MinWords})), "utf-8")
    assert gaps()[1] == "no test in tests/curate"
    monkeypatch.setitem(recipe.FILTERS, use, MinWords)  # type: ignore[arg-type]
    toml = f'recipe = 1\n[[step]]\nuse = "{use}"\nleast = 2\n'
    step = recipe.parse_recipe(toml.encode()).steps[0].filter
    assert decided(step, document("one"), document("one two")) == [
        Drop("few-words", "1 words"),
        Keep(),
    ]
    write(source, "tests/curate/recipes/test_min_words.py", f'USE = "{use}"\n')
    write(source, "docs/recipes.md", f"\n## {use}\n\nDrops short texts.\n")
    assert gaps() == ["docs/recipes.md does not explain least"]
    write(source, "docs/recipes.md", "\n| `least` | words |\n")
    assert gaps() == []


@click.command()
def hello() -> None:
    """Greet."""


def test_a_command_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = copy(tmp_path, "docs/cli.md")

    def gaps() -> list[str]:
        return list(of_command("hello", source))

    assert gaps() == ["no module in cli/lyrikstore_cli/commands"]
    monkeypatch.setitem(main.GROUPS["look"], "hello", "greet")
    monkeypatch.setitem(main.MODULES, "hello", f"{__name__}:hello")
    assert gaps() == [
        "no schemas/cli/hello.schema.json",
        "hello is not in docs/cli.md: make docs",
        "no test types it",
    ]
    lines = make_docs.reference()
    (source.root / "docs" / "cli.md").write_text("\n".join(lines), "utf-8")
    write(source, "schemas/cli/hello.schema.json", "{}")
    write(source, "tests/cli/test_hello.py", 'person.ok("hello")\n')
    assert gaps() == []


def test_a_check_is_added(tmp_path: Path) -> None:
    name, chapter = "data.greeting", "spec/11-verification.md"
    source = copy(tmp_path, "spec/checks.json", chapter)

    def gaps() -> list[str]:
        return list(of_check(name, source))

    assert gaps() == ["no line in spec/checks.json"]
    edit(
        source,
        "spec/checks.json",
        lambda table: table["checks"].update({name: {**table["checks"]["data.tree"]}}),
    )
    assert gaps() == [
        "no procedure of spec/checks.json makes it",
        f"{chapter} does not name it",
        "no function in lyrikstore/ makes it",
    ]
    edit(
        source,
        "spec/checks.json",
        lambda table: table["procedures"]["delivery"]["checks"].append(name),
    )
    assert gaps()[-1] == "no function in page/src makes it"
    write(source, chapter, f"\n`{name}` says hello.\n")
    write(source, "lyrikstore/verify/delivery/greeting.py", f'passed("{name}", "hello")\n')
    write(source, "page/src/verify/greeting.js", f'passed("{name}", "hello");\n')
    assert gaps() == []


def test_the_guide_has_each_of_them() -> None:
    guide = HERE.section("CONTRIBUTING.md", "How to add") or ""
    assert re.findall(r"^\*\*A (\w+)\*\*", guide, re.MULTILINE) == [
        *("filter", "target", "task", "command", "check")
    ]
    # What a walk closes is what a step names.
    for path in (
        *("spec/12-curation.md", "spec/14-deliveries-and-cards.md", "spec/13-runs.md"),
        *("spec/checks.json", "docs/recipes.md", "docs/deploy.md"),
    ):
        assert f"`{path}`" in guide, path
