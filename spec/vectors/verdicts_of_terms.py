"""Deliveries whose terms, statements or measured claims are wrong; see ``make_verdicts.py``."""

from typing import Any

import make_credentials as made


def counting(sound: bytes, **counts: Any) -> str:
    """Return the credential with other counts."""

    def change(document: dict[str, Any]) -> None:
        document["credentialSubject"].update(counts)
        document["credentialSubject"]["licence"]["partitions"][0].update(counts)

    return made.resigned(sound, change).decode()


def partition_cases(sound: bytes) -> list[Any]:
    """Partitions of the licence that the tree bears out, and those it does not."""
    path = lambda where: {"type": "PathSelector", "path": where}  # noqa: E731
    column = lambda *values: {  # noqa: E731
        "type": "MetadataSelector", "column": "category", "values": list(values)
    }  # fmt: skip
    one, two, rest = (
        {"name": "a", "select": [path("a")], "fileCount": 2, "byteSize": "39", "recordCount": "2"},
        {"name": "b", "select": [column("c2")], "permits": ["evaluate"], "fileCount": 1,
         "byteSize": "27", "recordCount": "1"},
        {"name": "rest", "fileCount": 2, "byteSize": "13", "recordCount": "2"},
    )  # fmt: skip

    def divided(*parts: dict[str, Any]) -> str:
        partitions = [made.part(**changes) for changes in parts]
        change = lambda d: d["credentialSubject"]["licence"].update(  # noqa: E731
            partitions=partitions
        )
        return made.resigned(sound, change).decode()

    def case(name: str, verdict: str, reason: str, *parts: dict[str, Any], **changes: Any) -> Any:
        checks = {"terms.partitions": reason}
        return f"partitions-{name}", verdict, checks, {"credential": divided(*parts), **changes}

    file = {**one, "select": [path("a/one.txt"), path("a/two.txt")]}
    prefix = {**one, "select": [path("a/o")]}
    more = {**two, "fileCount": 2}
    fewer = {**rest, "fileCount": 1}
    return [
        case("sound", "trusted", "pass", one, two, rest),
        case("by-file", "trusted", "pass", file, two, rest),
        case("without-rest", "trusted", "pass", one, two,
             {**rest, "select": [column("c3", "c4")]}),
        case("overlap", "invalid", "bad-partition", one, {**two, "select": [column("c1", "c2")]},
             rest),
        case("overlap-by-value", "invalid", "bad-partition", one, two,
             {**rest, "select": [column("c2", "c3", "c4")]}),
        case("uncovered", "invalid", "bad-partition", one, two,
             {**rest, "select": [column("c3")]}),
        case("prefix-is-no-folder", "invalid", "differs", prefix, two, rest),
        case("files", "invalid", "differs", one, more, fewer),
        case("bytes", "invalid", "differs", {**one, "byteSize": "38"}, two,
             {**rest, "byteSize": "14"}),
        case("records", "invalid", "differs", {**one, "recordCount": "1"}, two,
             {**rest, "recordCount": "3"}),
        case("no-data", "incomplete", "not-recomputed", one, two, rest, data=None),
        case("files-without-data", "invalid", "differs", one, more, fewer, data=None),
        case("without-tree", "incomplete", "missing-file", one, two, rest,
             siblings={"tree.jsonl": None}),
    ]  # fmt: skip


def measured(sound: bytes, *claims: tuple[str, str, dict[str, str]]) -> str:
    """Return the credential with these claims of quality: metric, value, parameters."""
    quality = [
        {
            "type": "QualityMeasurement", "metric": use.partition("/")[0], "value": value,
            "basis": "measured",
            "recipe": {"type": "MeasurementRecipe", "use": use,
                       **({"parameters": parameters} if parameters else {})},
        }
        for use, value, parameters in claims
    ]  # fmt: skip
    change = lambda d: d["credentialSubject"].update(quality=quality)  # noqa: E731
    return made.resigned(sound, change).decode()


def asserted(value: str, method: str) -> dict[str, Any]:
    """Return a claim of quality that has no recipe."""
    return {"type": "QualityMeasurement", "metric": "labelErrorRate", "value": value,
            "basis": "tool-asserted", "method": method}  # fmt: skip


def quality_cases(sound: bytes) -> list[Any]:
    """Measured claims, recomputed."""

    def case(name: str, verdict: str, reason: str, *claims: Any, **changes: Any) -> Any:
        changes = {"credential": measured(sound, *claims), **changes}
        return name, verdict, {"quality": reason}, changes

    share = {"column": "category", "value": "c1"}
    all_equal = (
        ("recordCount/1", "5", {}), ("exactDuplicateRate/1", "0.000000", {}),
        ("emptyRate/1", "0.200000", {}), ("wordCount/1", "13", {}), ("characterCount/1", "79", {}),
        ("missingMetadataRate/1", "0.000000", {"column": "category"}),
        ("metadataShare/1", "0.200000", share),
    )  # fmt: skip
    return [
        case("equal", "trusted", "pass", *all_equal),
        case("count-off-by-one", "invalid", "different", *all_equal[1:],
             ("recordCount/1", "6", {})),
        case("share-off", "invalid", "different", ("emptyRate/1", "0.200001", {})),
        case("share-of-few-decimals", "invalid", "different", ("emptyRate/1", "0.2", {})),
        case("share-rounded-away", "invalid", "different", ("emptyRate/1", "0", {})),
        case("other-value", "invalid", "different",
             ("metadataShare/1", "0.200000", {**share, "value": "c9"})),
        case("unknown-recipe", "incomplete", "unknown-recipe", ("toxicityRate/1", "0.000000", {})),
        case("unknown-version", "incomplete", "unknown-recipe", ("recordCount/2", "5", {})),
        case("unknown-parameter", "incomplete", "unknown-recipe",
             ("recordCount/1", "5", {"column": "x"})),
        case("not-of-these-records", "incomplete", "unknown-recipe",
             ("missingFieldRate/1", "0.000000", {"field": "x"})),
        case("different-beats-unknown", "invalid", "different", ("recordCount/2", "5", {}),
             ("recordCount/1", "6", {})),
        case("other-data", "invalid", "incomplete-data", *all_equal,
             data={"z.txt": "another one\n\n"}),
        case("missing-data", "incomplete", "incomplete-data", *all_equal, data={"z.txt": None}),
    ]  # fmt: skip


def law_cases(sound: bytes) -> list[Any]:
    """Statements about regulation."""

    def stated(**changes: Any) -> dict[str, Any]:
        laws = [{**made.LAW, **changes}]
        change = lambda d: d["credentialSubject"].update(regulatory=laws)  # noqa: E731
        return {"credential": made.resigned(sound, change).decode()}

    issuer = {"type": "Party", "did": made.OWNER.did}
    return [
        ("law-by-issuer", "trusted", {"regulatory": "stated"}, stated(warrantedBy=issuer)),
        (
            "law-of-nothing",
            "trusted",
            {"regulatory": "stated"},
            stated(regime="HIPAA", status="fully compliant", basis="trust me", warrantedBy=issuer),
        ),
        ("law-by-another", "trusted", {"regulatory": "unsigned-warrant"}, stated()),
        ("law-of-tomorrow", "invalid", {"regulatory": "future"}, stated(asOf="2026-11-02")),
    ]
