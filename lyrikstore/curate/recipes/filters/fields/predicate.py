"""SQL predicates over the fields of one record (spec §12.5.17).

A predicate may contain listed functions, types and operators only; anything else is refused before
it runs. An unlisted function could read files, the time or other records.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.errors import InvalidInputError

if TYPE_CHECKING:
    import duckdb

MAX_BYTES = 64 << 10
MEMORY_BYTES = 512 << 20

HEAD = "SELECT (\n"

_OPERATORS = """
+ - * / // % || ~~ !~~ ~~* !~~* ^@ ->> like_escape not_like_escape ilike_escape not_ilike_escape
"""
_ON_TEXTS = """
lower upper length len trim ltrim rtrim contains starts_with ends_with prefix suffix substring
substr left right strpos position instr replace split_part string_split concat strip_accents
regexp_matches regexp_full_match regexp_extract regexp_replace json_extract_string
"""
_ON_LISTS = """
list_value list_contains list_has list_has_any list_has_all list_distinct array_length
"""
_ON_NUMBERS_AND_DATES = """
abs round floor ceil trunc sign greatest least year month day date_part date_diff date_trunc
strptime try_strptime to_years to_months to_days
"""
_CONDITIONS = "nullif if"

FUNCTIONS = frozenset(
    " ".join((_OPERATORS, _ON_TEXTS, _ON_LISTS, _ON_NUMBERS_AND_DATES, _CONDITIONS)).split()
)
"""The allowed functions: their results depend on their arguments only."""

_TYPES = """
VARCHAR TEXT STRING BIGINT INT8 LONG INTEGER INT INT4 DOUBLE FLOAT8 DECIMAL NUMERIC BOOLEAN BOOL
DATE TIMESTAMP DATETIME LIST
"""
TYPES = frozenset(_TYPES.split())
"""The allowed types of casts."""

_COMBINING = """
OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_COALESCE OPERATOR_TRY COMPARE_IN
COMPARE_NOT_IN ARRAY_EXTRACT ARRAY_SLICE
"""
COMBINING = frozenset(_COMBINING.split())
_CHILDREN: Mapping[str, tuple[str, ...]] = {
    "COLUMN_REF": (),
    "CONSTANT": (),
    "COMPARISON": ("left", "right"),
    "CONJUNCTION": ("children",),
    "OPERATOR": ("children",),
    "FUNCTION": ("arguments",),
    "CASE": ("case_checks", "else_expr"),
    "BETWEEN": ("input", "lower", "upper"),
    "CAST": ("child", "type_expr"),
    "TYPE": ("children",),
}
_NAMES = {
    "SUBQUERY": "a query in a query",
    "WINDOW": "a window over other records",
    "PARAMETER": "a parameter",
    "STAR": "*",
    "LAMBDA": "a lambda function",
    "COLLATE": "a collation",
}


def connect() -> "duckdb.DuckDBPyConnection":
    """Open an empty in-memory database without access to files, extensions or settings."""
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": "1",
            "memory_limit": f"{MEMORY_BYTES}B",
            "temp_directory": "",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "enable_external_file_cache": "false",
            "python_enable_replacements": "false",
        },
    )
    for setting in (
        "SET TimeZone = 'UTC'",
        "SET max_temp_directory_size = '0KB'",
        # Its optimizations depend on the other records of a batch.
        "PRAGMA disable_optimizer",
        "SET enable_external_access = false",
        "SET lock_configuration = true",  # last: nothing can be set after it
    ):
        connection.execute(setting)
    return connection


def parse_predicate(connection: "duckdb.DuckDBPyConnection", sql: str) -> tuple[str, ...]:
    """Return the fields that a predicate names, sorted.

    Args:
        connection: The connection whose parser is used.
        sql: An SQL expression.

    Raises:
        InvalidInputError: (``bad-recipe``) the text is not an SQL expression, names no field, or
            contains something that predicates may not contain.
    """
    if len(sql.encode()) > MAX_BYTES or "\0" in sql:
        raise _bad(sql, 0, f"it is longer than {MAX_BYTES} bytes, or contains a null character")
    try:
        row = connection.execute("SELECT json_serialize_sql(?)", [f"{HEAD}{sql}\n)"]).fetchone()
        parsed: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
        if parsed["error"]:
            lines = str(parsed.get("error_message", "")).splitlines()
            raise _bad(sql, parsed.get("position", 0), lines[0] if lines else "it is not SQL")
        names = set(_names(sql, _expression(sql, parsed["statements"])))
    except RecursionError:
        raise _bad(sql, 0, "it is nested too deeply") from None
    if not names:
        raise _bad(sql, len(HEAD), "it names no field")
    folded: dict[str, str] = {}
    for name in sorted(names):
        other = folded.setdefault(name.lower(), name)
        if other != name:
            raise InvalidInputError(
                "bad-recipe",
                f"where/1: {other!r} and {name!r} differ in case only, which SQL ignores",
                hint="rename one of them first, with map/1",
            )
    return tuple(sorted(names))


def _expression(sql: str, statements: list[Any]) -> Mapping[str, Any]:
    """Return the expression of a statement; raise `bad-recipe` if there is more than one."""
    if len(statements) == 1:
        node = statements[0]["node"]
        plain = node["type"] == "SELECT_NODE" and node["from_table"]["type"] == "EMPTY"
        others = ("where_clause", "having", "qualify", "sample", "group_expressions", "modifiers")
        if plain and len(node["select_list"]) == 1 and not any(map(node.get, others)):
            expression: Mapping[str, Any] = node["select_list"][0]
            return expression
    raise _bad(sql, len(HEAD), "it is more than one expression")


def _names(sql: str, node: Any) -> Iterator[str]:
    """Yield the fields that an expression names.

    Raises:
        InvalidInputError: (``bad-recipe``) it contains something that is not listed.
    """
    kind, at = node["class"], node["query_location"]
    if kind not in _CHILDREN:
        raise _bad(sql, at, f"{_NAMES.get(kind, kind.lower())} is not allowed")
    match kind:
        case "COLUMN_REF":
            if len(node["column_names"]) > 1:
                name = ".".join(node["column_names"])
                raise _bad(sql, at, f"{name}: for a member, write {name.partition('.')[0]}->>'$.…'")
            yield node["column_names"][0]
        case "OPERATOR" if node["type"] not in COMBINING:
            raise _bad(sql, at, f"{node['type'].lower()} is not allowed")
        case "FUNCTION":
            _check_call(sql, node)
        case "TYPE" if node["type_name"].upper() not in TYPES:
            raise _bad(sql, at, f"type {node['type_name']} is not allowed")
    for name in _CHILDREN[kind]:
        child = node[name]
        for one in child if isinstance(child, list) else [child]:
            if name == "case_checks":
                yield from _names(sql, one["when_expr"])
                yield from _names(sql, one["then_expr"])
            else:
                yield from _names(sql, one["expression"] if name == "arguments" else one)


def _check_call(sql: str, node: Mapping[str, Any]) -> None:
    name = node["function_name"].lower()
    at = node["query_location"]
    if name not in FUNCTIONS:
        raise _bad(sql, at, f"{name}() is not allowed")
    named = any(one.get("name") for one in node["arguments"])
    more = node["filter"] or node["distinct"] or node["order_bys"]["orders"]
    if named or more or node["schema"] or node["catalog"]:
        raise _bad(sql, at, f"{name}() accepts plain arguments only")


def _bad(sql: str, position: Any, message: str) -> InvalidInputError:
    """Return the error for a position, given as the parser's byte offset."""
    offset = int(position) - len(HEAD)
    data = sql.encode()
    place = ""
    if 0 <= offset <= len(data):
        place = f" at character {len(data[:offset].decode(errors='ignore')) + 1}"
    return InvalidInputError(
        "bad-recipe",
        f"where/1: the predicate{place}: {message}",
        hint="one expression over the fields of a record, such as \"court = 'BGH' AND "
        'pages > 3"; docs/recipes.md lists what it may contain',
    )
