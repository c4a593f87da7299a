"""Recipes: TOML files that list the filters to run, in order (spec §12.5).

Recipes are read strictly: a filter under a misspelt key would silently not run.
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
        use: Name and version of the filter, such as ``redact/1``.
        params: Canonical parameter values, defaults filled in.
        filter: The configured filter.
    """

    use: str
    params: Mapping[str, Any]
    filter: Filter

    def to_json(self) -> dict[str, Any]:
        """Return the step as it stands in a filter manifest."""
        return {"use": self.use, **self.params}


UNION = Step(Union.USE, {}, Union())
"""The first step of a filter over several datasets; no recipe file contains it."""


class Unmatched(Struct, frozen=True):
    """A value that an ``allow/1`` step allows and that no record has.

    Attributes:
        step: The number of the step, from 1.
        column: The column that the step checks.
        value: The value.
        hint: A suggestion with the similar value of that column; may be empty.
    """

    step: int
    column: str
    value: str
    hint: str

    def __str__(self) -> str:
        """Return the message about this value, in one line."""
        message = f"step {self.step}: no record has {self.value!r} in column {self.column!r}"
        return f"{message}; {self.hint}" if self.hint else message


class Recipe(Struct, frozen=True):
    """A parsed recipe.

    Attributes:
        steps: The steps in order; a split is the last. Empty if the filter only unites datasets.
        description: The purpose of the recipe; may be empty.
    """

    steps: tuple[Step, ...]
    description: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The inputs of all steps, as :meth:`Filter.reads` names them, sorted."""
        return tuple(sorted({name for step in self.steps for name in step.filter.reads()}))

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the result; empty unless the last step is a split."""
        return self.steps[-1].filter.parts if self.steps else ()

    @property
    def makes_rows(self) -> bool:
        """Whether the result consists of rows, even if the source consists of documents."""
        return any(step.filter.MAKES_ROWS for step in self.steps)

    def roles(self, source: FieldRoles) -> FieldRoles:
        """Return the roles of fields in the result, given those in the source."""
        for step in self.steps:
            source = step.filter.roles(source)
        return source

    def columns(self, source: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns of a result of documents: new columns come last, sorted."""
        for step in self.steps:
            after = step.filter.fields_after(frozenset(source))
            fresh = sorted(after.difference(source), key=str.encode)
            source = (*(name for name in source if name in after), *fresh)
        return source

    def of_union(self) -> "Recipe":
        """Return this recipe for several datasets: with ``union/1`` as its first step."""
        return Recipe((UNION, *self.steps), self.description)

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as it stands in a filter manifest."""
        recipe: dict[str, Any] = {
            "recipe": FORMAT,
            "step": [step.to_json() for step in self.steps],
        }
        if self.description:
            recipe["description"] = self.description
        return recipe

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Parse the JSON of :meth:`to_json`, written by a process of the same version."""
        steps = []
        for step in value["step"]:
            params = {name: item for name, item in step.items() if name != "use"}
            steps.append(Step(step["use"], params, FILTERS[step["use"]].configure(params)))
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
            models += [m for model in step.filter.models() if (m := dict(model)) not in models]
        if libraries:
            body["libraries"] = libraries
        if models:
            body |= {"models": models, "cpu": cpu_features()}
        return body

    def check_fields(
        self, columns: frozenset[str] | None, roles: FieldRoles, where: str, *, is_rows: bool
    ) -> None:
        """Raise `unknown-column` unless every field that a step names exists before that step.

        Args:
            columns: Fields of the source's records; None if they are not known.
            roles: The roles of these fields.
            where: The name of the source in messages.
            is_rows: Whether the source's records are rows.

        A split finds groups by the fields of the source, even if an earlier step dropped them.

        Raises:
            InvalidInputError: (``unknown-column``) a field does not exist; the message names
                similar ones; (``no-text``) a step reads the text, and no field has the role text;
                (``needs-rows``) a step accepts rows only, and the records are documents.
        """
        of_source = columns or frozenset()
        for number, step in enumerate(self.steps, start=1):
            place = f"step {number} ({step.use})"
            groups = step.filter.group(roles) is not None
            if step.filter.NEEDS_ROWS and not is_rows:
                raise InvalidInputError(
                    "needs-rows",
                    f"{place} accepts rows only, and {where} has documents",
                    hint="put an extract-text/2 step before it, which makes a row of each document",
                )
            if is_rows and TEXT in step.filter.reads() and not roles.text:
                raise InvalidInputError(
                    "no-text",
                    f"{place} reads the text, and no field of {where} has the role text",
                    hint=say_which("--text FIELD"),
                )
            for name in step.filter.reads():
                kind, _, column = name.partition(":")
                is_text = not is_rows and name in DOCUMENT_TEXTS
                if columns is None or is_text or not column or (kind, column) == ("meta", "*"):
                    continue
                known = columns | of_source if groups else columns
                if column not in known:
                    raise unknown_word(
                        "unknown-column",
                        f"field in {place}, {where} has no",
                        column,
                        known,
                        otherwise=""
                        if columns
                        else "it has no sheet; commit --metadata FILE adds one",
                    )
            columns = None if columns is None else step.filter.fields_after(columns)
            roles = step.filter.roles(roles)
            is_rows = is_rows or step.filter.MAKES_ROWS

    def notes(self) -> Iterator[str]:
        """Yield warnings: steps that keep traces of what other steps remove from records."""
        cut = ""
        for number, step in enumerate(self.steps, start=1):
            place = f"step {number}: {step.use}"
            if step.filter.GIVES_AWAY:
                yield f"{place} leaves {step.filter.GIVES_AWAY}; use {step.filter.SUCCESSOR}"
            if cut and step.filter.TAKES_OUT:
                yield f"{place} sees the chunks of {cut} one by one; put it before {cut}"
            cut = step.use if step.use.startswith("chunk/") else cut

    def unmatched(self, seen: Mapping[int, Collection[str]]) -> tuple[Unmatched, ...]:
        """Return the listed values that no record has; a typo in a list drops records unnoticed.

        Args:
            seen: Number of a step with a list → values of its field in the source's records: all
                that are on the list, and some others.
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
        recipe: A file, or as a string the name of a built-in recipe. The string ``legal`` always
            means the built-in recipe, even if a file has that name; ``./legal`` is a file.

    Raises:
        InvalidInputError: (``no-recipe``) the argument is one word, and neither a built-in
            recipe nor a file has that name.
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
    """Parse a recipe.

    Raises:
        InvalidInputError: (``bad-recipe``) the bytes are not TOML, or contain an unknown key or
            filter (the message names similar ones), a missing or malformed parameter, a split that
            is not the last step, or steps in an order that could reveal removed data.
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
        raise _bad(f"the recipe lacks the line recipe = {FORMAT}")
    description = table.get("description", "")
    if not isinstance(description, str):
        raise _bad("description is not a string")
    tables = table.get("step", [])
    if not isinstance(tables, list) or not all(isinstance(item, dict) for item in tables):
        raise _bad("step is not a list of tables: begin each step with [[step]]")
    if not 1 <= len(tables) <= MAX_STEPS:
        raise _bad(f"a recipe has 1 to {MAX_STEPS} steps, not {len(tables)}")
    steps = tuple(_step(number, item) for number, item in enumerate(tables, start=1))
    taking_out = redacts = names_folders = copies = ""
    stated: frozenset[str] = frozenset()
    for number, step in enumerate(steps, start=1):
        if step.filter.COMES_FIRST and not all(
            one.filter.COMES_FIRST for one in steps[: number - 1]
        ):
            raise _bad(
                f"step {number} ({step.use}) applies to the records as they were reviewed: put it "
                "first"
            )
        if step.filter.parts and number < len(steps):
            raise _bad(f"step {number} ({step.use}) must be the last step")
        if taking_out and step.filter.draws_by_source:
            raise _bad(
                f"step {number} ({step.use}) splits by values that {taking_out} removes: use "
                "split/3"
            )
        # ATTACK A72: a copy or a folder name made earlier would keep what this step removes.
        if step.filter.TAKES_OUT and (copies or names_folders):
            raise _bad(
                f"step {number} ({step.use}) must come before {copies or names_folders}, which "
                + ("copies a digest of the text" if copies else "names folders after a value")
            )
        if redacts and DATA in step.filter.reads():
            raise _bad(
                f"step {number} ({step.use}) reads the files as they were before {redacts}: "
                "make it the first step"
            )
        redacts = step.use if step.filter.REDACTS else redacts
        stated |= step.filter.STATES
        copies = step.use if step.filter.copies & stated else copies
        names_folders = step.use if step.filter.NAMES_FOLDERS else names_folders
        taking_out = step.use if step.filter.TAKES_OUT else taking_out
    return Recipe(steps, description)


def cpu_features() -> str:
    """Return the processor features on which the results of a model depend, in one line."""
    import numpy as np

    config: Any = np.show_config(mode="dicts")
    simd = config.get("SIMD Extensions", {})
    features = sorted({*simd.get("baseline", ()), *simd.get("found", ())})
    return f"{platform.machine()}: {' '.join(features)}"[:1024]


def _step(number: int, table: Mapping[str, Any]) -> Step:
    use = table.get("use")
    if not isinstance(use, str):
        raise _bad(f'step {number} lacks a filter: add use = "NAME/VERSION"')
    kind = FILTERS.get(use)
    if kind is Union:
        raise _bad(f"step {number}: remove {use}; naming several datasets adds it")
    if kind is None:
        raise unknown_word("bad-recipe", f"filter in step {number}:", use, FILTERS)
    place = f"step {number} ({use})"
    rest = {name: value for name, value in table.items() if name != "use"}
    params = read_parameters(kind.PARAMETERS, rest, place)
    return Step(use, params, kind.configure(params))


def _bad(message: str) -> InvalidInputError:
    return InvalidInputError(
        "bad-recipe", message, hint="docs/recipes.md shows a recipe and every filter"
    )
