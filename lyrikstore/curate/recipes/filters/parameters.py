"""The parameters of recipe steps; checked here, so that all filters report errors alike."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import MAX_INTEGER
from lyrikstore.canon.text import unknown_word

Kind = Literal[
    "string",
    "strings",
    "columns",
    "boolean",
    "seed",
    "number",
    "fraction",
    "share",
    "texts",
    "constants",
    "value-maps",
]

_FORMS: Mapping[Kind, str] = {
    "string": "a string",
    "strings": "a list of strings, not empty and without repeats",
    "columns": 'a list of column names, or "*" for all',
    "boolean": "true or false",
    "seed": "a string or an integer",
    "number": "a whole number up to 1000000000",
    "fraction": "a number between 0 and 1, at most 9 decimals",
    "share": "a number between 0 and 1, at most 9 decimals, or a list of values",
    "texts": "a table of strings that are not empty",
    "constants": "a table of strings, whole numbers, true or false",
    "value-maps": "a table that maps, for each field, values to new values",
}


class Parameter(Struct, frozen=True):
    """One parameter of a filter.

    Attributes:
        name: The TOML key.
        kind: The form of its value.
        meaning: One line for the documentation.
        default: The value if the recipe omits it; ``None`` makes it required unless ``optional``.
        choices: The only values accepted, if any.
        optional: Whether the recipe may omit it although it has no default.
        limits: Further limits of its values, in keywords of JSON Schema.
    """

    name: str
    kind: Kind
    meaning: str
    default: Any = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    limits: Mapping[str, Any] = {}


def read_parameters(
    parameters: tuple[Parameter, ...], table: Mapping[str, Any], place: str
) -> dict[str, Any]:
    """Return the values of a step in canonical form: strings, booleans, lists and tables of them.

    Args:
        parameters: The parameters of the filter.
        table: The step's TOML table without ``use``.
        place: The step in messages, such as ``step 2 (allow/1)``.

    Raises:
        InvalidInputError: (``bad-recipe``) an unknown key (the message names similar ones), a
            missing key, or a value of another form.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    for name in table:
        if name not in by_name:
            raise unknown_word("bad-recipe", f"key in {place}", name, by_name)
    values: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name in table:
            values[parameter.name] = _value(parameter, table[parameter.name], place)
        elif parameter.default is not None:
            values[parameter.name] = parameter.default
        elif not parameter.optional:
            raise InvalidInputError(
                "bad-recipe",
                f"{place} lacks {parameter.name!r}",
                hint=f"{parameter.name}: {parameter.meaning}",
            )
    return values


def _value(parameter: Parameter, value: Any, place: str) -> Any:
    match parameter.kind, value:
        case "string", str() if value:
            result: Any = value
        case (("strings" | "share"), list()) if _names(value):
            result = list(value)
        case "columns", "*":
            result = "*"
        case "columns", list() if not value or _names(value):
            result = list(value)
        case "boolean", bool():
            result = value
        case "seed", str():
            result = value
        case "seed", int() if not isinstance(value, bool):
            result = str(value)
        case "number", int() if not isinstance(value, bool) and 0 <= value <= 10**9:
            result = value
        case (("fraction" | "share"), Decimal() | int() | str()) if not isinstance(value, bool):
            result = _fraction(parameter, value, place)
        case "texts", dict() if all(isinstance(one, str) and one for one in value.values()):
            result = _table(parameter, value, place)
        case "constants", dict() if all(map(_is_constant, value.values())):
            result = _table(parameter, value, place)
        case "value-maps", dict() if all(
            isinstance(one, dict) and one and all(map(_is_constant, one.values()))
            for one in value.values()
        ):
            result = {name: dict(one) for name, one in _table(parameter, value, place).items()}
        case _:
            raise _misfit(parameter, place)
    if parameter.choices:
        for item in result if isinstance(result, list) else [result]:
            if item not in parameter.choices:
                raise unknown_word(
                    "bad-recipe", f"value of {parameter.name!r} in {place}", item, parameter.choices
                )
    return result


def _table(parameter: Parameter, value: dict[str, Any], place: str) -> dict[str, Any]:
    if not all(value):
        raise _misfit(parameter, place)
    return dict(value)


def _is_constant(value: Any) -> bool:
    return isinstance(value, str | bool) or (isinstance(value, int) and abs(value) <= MAX_INTEGER)


def _names(value: list[Any]) -> bool:
    return (
        bool(value)
        and all(isinstance(item, str) and item for item in value)
        and len(set(value)) == len(value)
    )


def _fraction(parameter: Parameter, value: Decimal | int | str, place: str) -> str:
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise _misfit(parameter, place) from None
    if not number.is_finite() or not 0 <= number <= 1 or number != round(number, 9):
        raise _misfit(parameter, place)
    text = format(round(number, 9).normalize(), "f")
    return "0" if Decimal(text) == 0 else text


def _misfit(parameter: Parameter, place: str) -> InvalidInputError:
    return InvalidInputError(
        "bad-recipe",
        f"{parameter.name!r} in {place} is not {_FORMS[parameter.kind]}",
        hint=f"{parameter.name}: {parameter.meaning}",
    )
