"""Recipes: the TOML that says which filters run, in which order (spec §12.5).

Strict: an unknown key would be a filter the user believes in and nobody runs.
"""

import platform
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.text import suggest, unknown_word
from lyrikstore.canon.toml import parse_toml
from lyrikstore.curate.readers.fields import FieldRoles, say_which
from lyrikstore.curate.recipes.filters.allow import Allow
from lyrikstore.curate.recipes.filters.contract import DATA, DOCUMENT_TEXTS, TEXT, Filter
from lyrikstore.curate.recipes.filters.parameters import read_parameters
from lyrikstore.curate.recipes.filters.registry import FILTERS
from lyrikstore.curate.recipes.filters.union import Union
from lyrikstore.version import __version__

FORMAT = 1
MAX_BYTES = 256 << 10
MAX_STEPS = 100
_KEYS = ("recipe", "description", "step")
BUILT_IN = ("finance", "health", "legal")
"""Names of the recipes that come with the package."""
_FOLDER = Path(__file__).with_name("builtin")
_NAME = re.compile("[A-Za-z0-9_-]+")


class Step(Struct, frozen=True):
    """One configured step.

    Attributes:
        use: Such as ``redact/1``.
        params: Canonical parameter values, defaults filled in.
        filter: What does it.
    """

    use: str
    params: Mapping[str, Any]
    filter: Filter

    def to_json(self) -> dict[str, Any]:
        """Return the step as a filter manifest records it."""
        return {"use": self.use, **self.params}


UNION = Step(Union.USE, {}, Union())
"""The first step over several datasets; no file says it, naming several does."""


class Unmatched(Struct, frozen=True):
    """A value that an ``allow/1`` step lets pass and no record has.

    Attributes:
        step: The number of the step, from 1.
        column: Its column.
        value: The value.
        hint: Which value of that column it resembles; may be empty.
    """

    step: int
    column: str
    value: str
    hint: str

    def __str__(self) -> str:
        """Return it as a line for people."""
        said = f"step {self.step}: no record has {self.value!r} in column {self.column!r}"
        return f"{said}; {self.hint}" if self.hint else said


class Recipe(Struct, frozen=True):
    """A parsed recipe.

    Attributes:
        steps: A split is the last; none where a union is all that is wanted.
        description: What it is for; may be empty.
    """

    steps: tuple[Step, ...]
    description: str

    @property
    def reads(self) -> tuple[str, ...]:
        """What the steps read, sorted."""
        return tuple(sorted({name for step in self.steps for name in step.filter.reads()}))

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that it makes; none if it does not end in a split."""
        return self.steps[-1].filter.parts if self.steps else ()

    @property
    def makes_rows(self) -> bool:
        """Whether what it gives are rows, whatever it reads."""
        return any(step.filter.MAKES_ROWS for step in self.steps)

    def roles(self, source: FieldRoles) -> FieldRoles:
        """Return which field has which role in what it gives."""
        for step in self.steps:
            source = step.filter.roles(source)
        return source

    def columns(self, source: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns of what it gives of documents: new ones at the end, sorted."""
        for step in self.steps:
            after = step.filter.fields_after(frozenset(source))
            fresh = sorted(after.difference(source), key=str.encode)
            source = (*(name for name in source if name in after), *fresh)
        return source

    def of_union(self) -> "Recipe":
        """Return the recipe for several datasets: what says so is its first step."""
        return Recipe((UNION, *self.steps), self.description)

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as a filter manifest records it."""
        recipe: dict[str, Any] = {
            "recipe": FORMAT,
            "step": [step.to_json() for step in self.steps],
        }
        if self.description:
            recipe["description"] = self.description
        return recipe

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the recipe that :meth:`to_json` described, for another process of this version."""
        steps = []
        for given in value["step"]:
            params = {name: item for name, item in given.items() if name != "use"}
            steps.append(Step(given["use"], params, FILTERS[given["use"]].configure(params)))
        return cls(tuple(steps), value.get("description", ""))

    def body(self) -> dict[str, Any]:
        """Return the body of the filter manifest."""
        body: dict[str, Any] = {
            "recipe": self.to_json(),
            "steps": [step.to_json() for step in self.steps],
            "reads": list(self.reads),
            "engine": f"lyrikstore {__version__}, Python {platform.python_version()}, "
            f"Unicode {unicodedata.unidata_version}",
        }
        libraries: dict[str, str] = {}
        models: list[dict[str, str]] = []
        for step in self.steps:
            libraries |= step.filter.libraries()
            models += [m for one in step.filter.models() if (m := dict(one)) not in models]
        if libraries:
            body["libraries"] = libraries
        if models:
            body |= {"models": models, "cpu": cpu_features()}
        return body

    def check_fields(
        self, columns: frozenset[str] | None, roles: FieldRoles, where: str, *, is_rows: bool
    ) -> None:
        """Return if every field that the steps name exists where they come to it.

        Args:
            columns: Fields of the source's records; None: nobody knows.
            roles: Which of them has which role.
            where: What to call the source.
            is_rows: Whether its records are rows.

        A split finds groups by the source's fields, those that a step left out among them.

        Raises:
            InvalidInputError: (``unknown-column``) one does not exist; near matches named;
                (``no-text``) a step reads texts, and no field is the text; (``needs-rows``) a step
                takes rows only.
        """
        of_source = columns or frozenset()
        for number, step in enumerate(self.steps, start=1):
            place = f"step {number} ({step.use})"
            groups = step.filter.group(roles) is not None
            if step.filter.NEEDS_ROWS and not is_rows:
                raise InvalidInputError(
                    "needs-rows",
                    f"{place} takes rows, and {where} has documents",
                    hint="put extract-text/2 before it, which makes a row of each document",
                )
            if is_rows and TEXT in step.filter.reads() and not roles.text:
                raise InvalidInputError(
                    "no-text",
                    f"{place} reads the text, and no field of {where} is the text",
                    hint=say_which("--text FIELD"),
                )
            for name in step.filter.reads():
                kind, _, column = name.partition(":")
                is_text = not is_rows and name in DOCUMENT_TEXTS
                if columns is None or is_text or not column or (kind, column) == ("meta", "*"):
                    continue
                there = columns | of_source if groups else columns
                if column not in there:
                    raise unknown_word(
                        "unknown-column",
                        f"field in {place}, {where} has no",
                        column,
                        there,
                        otherwise=""
                        if columns
                        else "it has no sheet, which commit --metadata gives it",
                    )
            columns = None if columns is None else step.filter.fields_after(columns)
            roles = step.filter.roles(roles)
            is_rows = is_rows or step.filter.MAKES_ROWS

    def notes(self) -> Iterator[str]:
        """Yield what its steps leave of what others take out, for people."""
        cut = ""
        for number, step in enumerate(self.steps, start=1):
            place = f"step {number}: {step.use}"
            if step.filter.GIVES_AWAY:
                yield f"{place} leaves {step.filter.GIVES_AWAY}; use {step.filter.SUCCESSOR}"
            if cut and step.filter.TAKES_OUT:
                yield f"{place} sees the chunks of {cut} one by one; put it before {cut}"
            cut = step.use if step.use.startswith("chunk/") else cut

    def unmatched(self, seen: Mapping[int, Collection[str]]) -> tuple[Unmatched, ...]:
        """Return the values on lists that no record has: a slip there drops records unseen.

        Args:
            seen: Number of a step with a list → values that the source's records have in its
                field: those that are on it, and some others.
        """
        return tuple(
            Unmatched(number, step.filter.column, value, suggest(value, sorted(seen[number])))
            for number, step in enumerate(self.steps, start=1)
            if isinstance(step.filter, Allow) and number in seen
            for value in sorted(step.filter.values - set(seen[number]))
        )


def load_recipe(recipe: str | Path) -> Recipe:
    """Return a built-in recipe, or the one in a TOML file.

    Args:
        recipe: A file, or as a string the name of a built-in recipe. A string that is such a name
            means that recipe, whatever files there are; ``./legal`` is a file.

    Raises:
        InvalidInputError: (``no-recipe``) what is given is one word, and neither a recipe nor a
            file.
        LyrikstoreError: As :func:`read_at_most` and :func:`parse_recipe`.
    """
    if isinstance(recipe, str):
        if recipe in BUILT_IN:
            return parse_recipe((_FOLDER / f"{recipe}.toml").read_bytes())
        if _NAME.fullmatch(recipe) and not Path(recipe).exists():
            raise InvalidInputError(
                "no-recipe",
                f"there is no file {recipe}, and no built-in recipe of that name",
                hint=f"{suggest(recipe, BUILT_IN)} built in are {', '.join(BUILT_IN)}".strip(),
                details={"builtIn": list(BUILT_IN)},
            )
    return parse_recipe(read_at_most(Path(recipe), MAX_BYTES + 1))


def parse_recipe(data: bytes) -> Recipe:
    """Return the recipe in TOML bytes.

    Raises:
        InvalidInputError: (``bad-recipe``) not TOML, an unknown key or filter (near matches
            named), a missing or malformed parameter, a split that is not last.
    """
    try:
        table = parse_toml(data, max_bytes=MAX_BYTES)
    except FormatError as error:
        raise _bad(f"the recipe: {error.message}") from None
    for key in table:
        if key not in _KEYS:
            raise unknown_word("bad-recipe", "key in the recipe", key, _KEYS)
    version = table.get("recipe")
    if type(version) is not int or version != FORMAT:
        raise _bad(f"the recipe does not say recipe = {FORMAT}")
    description = table.get("description", "")
    if not isinstance(description, str):
        raise _bad("description is not a string")
    given = table.get("step", [])
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise _bad("steps are written [[step]]")
    if not 1 <= len(given) <= MAX_STEPS:
        raise _bad(f"a recipe has 1 to {MAX_STEPS} steps, not {len(given)}")
    steps = tuple(_step(number, item) for number, item in enumerate(given, start=1))
    taking_out = redacts = names_folders = copies = ""
    stated: frozenset[str] = frozenset()
    for number, step in enumerate(steps, start=1):
        if step.filter.parts and number < len(steps):
            raise _bad(f"step {number} ({step.use}) must be the last step")
        if taking_out and step.filter.draws_by_source:
            raise _bad(
                f"step {number} ({step.use}) deals by what {taking_out} takes out: use split/3"
            )
        # ATTACK A72: what was copied or became a name before is not found when it is to go.
        if step.filter.TAKES_OUT and (copies or names_folders):
            raise _bad(
                f"step {number} ({step.use}) must come before {copies or names_folders}, which "
                + ("copies a digest of the text" if copies else "calls folders by a value")
            )
        if redacts and DATA in step.filter.reads():
            raise _bad(
                f"step {number} ({step.use}) reads the files as they were before {redacts}: "
                "put it first"
            )
        redacts = step.use if step.filter.REDACTS else redacts
        stated |= step.filter.STATES
        copies = step.use if step.filter.copies & stated else copies
        names_folders = step.use if step.filter.NAMES_FOLDERS else names_folders
        taking_out = step.use if step.filter.TAKES_OUT else taking_out
    return Recipe(steps, description)


def cpu_features() -> str:
    """Return the features of the processor that a model's numbers depend on."""
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    simd = config.get("SIMD Extensions", {})
    found = sorted({*simd.get("baseline", ()), *simd.get("found", ())})
    return f"{platform.machine()}: {' '.join(found)}"[:1024]


def _step(number: int, given: Mapping[str, Any]) -> Step:
    use = given.get("use")
    if not isinstance(use, str):
        raise _bad(f"step {number} does not say which filter to use")
    kind = FILTERS.get(use)
    if kind is Union:
        raise _bad(f"step {number}: {use} is what naming several datasets means; leave it out")
    if kind is None:
        raise unknown_word("bad-recipe", f"filter in step {number}:", use, FILTERS)
    place = f"step {number} ({use})"
    rest = {name: value for name, value in given.items() if name != "use"}
    params = read_parameters(kind.PARAMETERS, rest, place)
    return Step(use, params, kind.configure(params))


def _bad(message: str) -> InvalidInputError:
    return InvalidInputError(
        "bad-recipe", message, hint="docs/recipes.md shows a recipe and every filter"
    )
