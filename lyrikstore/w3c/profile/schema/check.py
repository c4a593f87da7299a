"""The schemas that a credential names for itself: ``credentialSchema`` (spec §17.7).

Of VC JSON Schema: a schema is text that somebody else wrote. It is taken only from the resources
available, applied without fetching what it refers to, and with bounds on what it may cost.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NoReturn

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.limits import MAX_SCHEMA_BYTES, MAX_SCHEMAS
from lyrikstore.canon.quoting import quote
from lyrikstore.verify.report import (
    Check,
    CheckState,
    Report,
    failed,
    first_in,
    not_applicable,
    passed,
    unchecked,
)
from lyrikstore.w3c.problems import MODEL, malformed, problem_detail
from lyrikstore.w3c.profile.resources import Pinned, Resources
from lyrikstore.w3c.profile.schema.credential import (
    SCHEMA_CREDENTIAL,
    read_schema_credential,
    why_not,
)
from lyrikstore.w3c.profile.schema.limits import check_cost
from lyrikstore.w3c.values import is_url, items_of

DRAFTS = {
    "https://json-schema.org/draft/2020-12/schema": "Draft202012Validator",
    "https://json-schema.org/draft/2019-09/schema": "Draft201909Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
    "https://json-schema.org/draft-07/schema": "Draft7Validator",
}
"""``$schema``, without an empty fragment → who applies it."""

Judge = Callable[[bytes], Report]


class SchemaOutcome(StrEnum):
    """What applying a schema gave, in the words of VC JSON Schema."""

    SUCCESS = "success"
    FAILURE = "failure"
    INDETERMINATE = "indeterminate"


def apply_schema(document: JSON, data: bytes, url: str) -> tuple[SchemaOutcome, str]:
    """Return what the JSON Schema ``data`` says of ``document``, and why.

    Args:
        document: The credential.
        data: The bytes of the schema, of a draft of :data:`DRAFTS`.
        url: What the credential calls it.

    Returns:
        ``failure`` also for a schema that is none (no ``$schema``, no ``$id``) or another than the
        one named; ``indeterminate`` for a draft not known here, a schema that refers to another
        text, or one too large or too costly to apply.
    """
    if len(data) > MAX_SCHEMA_BYTES:
        return SchemaOutcome.INDETERMINATE, f"the schema has more than {MAX_SCHEMA_BYTES} bytes"
    try:
        schema = parse(data, floats=True, nulls=True)
    except FormatError as error:
        return SchemaOutcome.FAILURE, f"the schema is not JSON: {error.message}"
    return _apply_parsed(document, schema, url)


def apply_schema_credential(document: JSON, data: bytes, url: str) -> tuple[SchemaOutcome, str]:
    """Return what the schema in a credential says of ``document``: :func:`apply_schema`.

    Whether that credential holds is for the caller.

    Args:
        document: The credential that names it.
        data: The bytes of the credential that holds the schema.
        url: What ``document`` calls it.
    """
    if len(data) > MAX_SCHEMA_BYTES:
        return SchemaOutcome.INDETERMINATE, f"the schema has more than {MAX_SCHEMA_BYTES} bytes"
    try:
        schema, name = read_schema_credential(data, url)
    except FormatError as error:
        return SchemaOutcome.FAILURE, f"no credential of a schema: {error.message}"
    return _apply_parsed(document, schema, name)


def _apply_parsed(document: JSON, schema: JSON, url: str) -> tuple[SchemaOutcome, str]:
    if not isinstance(schema, dict) or not isinstance(schema.get("$schema"), str):
        return SchemaOutcome.FAILURE, "the schema does not say of which draft it is"
    if not is_url(schema.get("$id")):
        return SchemaOutcome.FAILURE, "the schema has no $id"
    if schema["$id"].removesuffix("#") != url.removesuffix("#"):
        return SchemaOutcome.FAILURE, f"the schema is another one: {schema['$id'][:200]!a}"
    draft = DRAFTS.get(schema["$schema"].removesuffix("#"))
    if draft is None:
        return SchemaOutcome.INDETERMINATE, f"a draft not known here: {schema['$schema'][:80]!a}"
    return _apply(document, schema, draft)


def check_schemas(
    document: Mapping[str, JSON], resources: Resources, judge: Judge | None = None
) -> Check:
    """Return the check ``schema``: does the credential satisfy the schemas it names (S1)?

    Args:
        document: The credential without its proof; it passed the model.
        resources: Where the schemas are taken from.
        judge: Verifies a credential that holds a schema, with no resources available, so that none
            leads to another; None leaves these unchecked.
    """
    stated = items_of(document.get("credentialSchema", []))
    if not stated:
        return not_applicable("schema", "names no schema for itself")
    if len(stated) > MAX_SCHEMAS:
        return unchecked("schema", "too-many", f"names more than {MAX_SCHEMAS} schemas")
    checks = [_check_one(document, item, resources, judge) for item in stated]
    return first_in(checks, CheckState.FAIL, CheckState.UNCHECKED) or checks[0]


def _check_one(
    document: Mapping[str, JSON],
    item: dict[str, Any],
    resources: Resources,
    judge: Judge | None,
) -> Check:
    url, types = item["id"], items_of(item["type"])
    if types not in (["JsonSchema"], [SCHEMA_CREDENTIAL]):
        summary = f"a schema of a type not known here: {quote(item['type'])}"
        return unchecked("schema", "unknown-type", summary)
    try:
        data = resources.find(url, Pinned.of(item))
    except FormatError as error:
        return malformed("schema", error)
    if data is None:
        return unchecked("schema", "not-at-hand", f"the schema {quote(url)} is not at hand")
    detail: dict[str, JSON] = {}
    if types == ["JsonSchema"]:
        outcome, why = apply_schema(document, data, url)
    else:
        report = None if judge is None else judge(data)
        if report is not None and report.issuer is not None:
            detail = {"schemaIssuer": report.issuer}
        outcome, why = apply_schema_credential(document, data, url)
        broken = (CheckState.UNCHECKED, "not verified") if report is None else why_not(report)
        if broken is not None and outcome is not SchemaOutcome.FAILURE:
            state, why = broken
            outcome = (
                SchemaOutcome.FAILURE if state is CheckState.FAIL else SchemaOutcome.INDETERMINATE
            )
    if outcome is SchemaOutcome.SUCCESS:
        return passed("schema", f"satisfies {quote(url)}", result="success", **detail)
    summary = f"{quote(url)}: {quote(why, 300)}"
    if outcome is SchemaOutcome.FAILURE:
        detail |= problem_detail(MODEL + "MALFORMED_VALUE_ERROR")
        return failed("schema", "failure", summary, result="failure", **detail)
    return unchecked("schema", "indeterminate", summary, result="indeterminate")


def _apply(document: JSON, schema: dict[str, Any], draft: str) -> tuple[SchemaOutcome, str]:
    import jsonschema_rs  # 40 ms: only when something is validated

    def refuse_remote(url: str) -> NoReturn:
        raise ValueError(f"refers to another text: {url[:200]}")

    try:
        check_cost(schema, document)
    except FormatError as error:
        return SchemaOutcome.INDETERMINATE, error.message
    try:
        validator = getattr(jsonschema_rs, draft)(
            schema,
            retriever=refuse_remote,
            # ATTACK: a pattern that takes for ever. This engine takes linear time, or refuses.
            pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=1 << 20),
        )
    except (jsonschema_rs.ValidationError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        if jsonschema_rs.meta.is_valid(schema):  # a schema, yet one that this library cannot take
            return SchemaOutcome.INDETERMINATE, why
        return SchemaOutcome.FAILURE, f"no such schema: {why}"
    try:
        validator.validate(document)
    except jsonschema_rs.ValidationError as error:
        place = "/".join(map(str, error.instance_path)) or "document"
        return SchemaOutcome.FAILURE, f"{place}: {' '.join(error.message.split())[:200]}"
    except ValueError as error:
        return SchemaOutcome.INDETERMINATE, " ".join(str(error).split())[:200]
    return SchemaOutcome.SUCCESS, ""
