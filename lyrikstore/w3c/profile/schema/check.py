"""The check of a credential against the schemas it names: ``credentialSchema`` (spec §17.7).

By VC JSON Schema. A schema is foreign input: it is read only from the available resources, applied
without fetching other schemas, and with limits on its cost.
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
"""``$schema``, without an empty fragment → validator class."""

Judge = Callable[[bytes], Report]


class SchemaOutcome(StrEnum):
    """The outcome of applying a schema, in the words of VC JSON Schema."""

    SUCCESS = "success"
    FAILURE = "failure"
    INDETERMINATE = "indeterminate"


def apply_schema(document: JSON, data: bytes, url: str) -> tuple[SchemaOutcome, str]:
    """Apply a JSON Schema to a credential; return the outcome and the reason.

    Args:
        document: The credential.
        data: The bytes of the schema, of a draft of :data:`DRAFTS`.
        url: The URL of the schema in the credential.

    Returns:
        ``failure`` also for an invalid schema (no ``$schema``, no ``$id``) or another schema than
        the named one; ``indeterminate`` for an unknown draft, a schema that refers to another text,
        or one that is too large or too expensive to apply.
    """
    if len(data) > MAX_SCHEMA_BYTES:
        return SchemaOutcome.INDETERMINATE, f"the schema has more than {MAX_SCHEMA_BYTES} bytes"
    try:
        schema = parse(data, floats=True, nulls=True)
    except FormatError as error:
        return SchemaOutcome.FAILURE, f"the schema is not JSON: {error.message}"
    return _apply_parsed(document, schema, url)


def apply_schema_credential(document: JSON, data: bytes, url: str) -> tuple[SchemaOutcome, str]:
    """Apply the schema in a schema credential to ``document``, as :func:`apply_schema`.

    The caller must verify the schema credential.

    Args:
        document: The credential that names the schema.
        data: The bytes of the schema credential.
        url: The URL of the schema credential in ``document``.
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
    """Return the check ``schema``: the credential satisfies the schemas that it names (S1).

    Args:
        document: The credential without its proof, which conforms to the data model.
        resources: The available resources, with the schemas.
        judge: Verifies a schema credential, without resources, so that it cannot name another
            schema; None: schema credentials are not checked.
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
            # ATTACK: a pattern that never ends. This engine takes linear time, or refuses it.
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
