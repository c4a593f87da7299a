"""Makes ``manifests/good-2.json`` and ``refused-2.json``: format version 2 (spec §6.1).

Every kind that has a schema of version 2 is in it, in both versions wrongly, and with members
that none has. Those refused carry good signatures, and say as which kind of fault they are.
"""

from typing import Any

from lyrikstore.canon.json import parse
from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from make_manifests import CREATED, EXAMPLES, SIGNER, STORE, A, B, C, manifest_of, resigned
from manifests_of_version_2 import (
    CHUNKS,
    CONFINED,
    EXAMPLES_2,
    FURTHER,
    ROWS,
    SYNTHETIC,
    UNCONFINED,
)


def signed(kind: str, example: dict[str, Any]) -> Manifest:
    """Return a manifest of ``kind``; its version is the one that it needs."""
    arguments = {"store": STORE, "message": "why", **example}
    return sign_manifest(kind=kind, signer=SIGNER, created=CREATED, **arguments)


def good() -> list[dict[str, Any]]:
    """Return the cases of ``good-2.json``."""
    made = {kind: signed(kind, example) for kind, example in EXAMPLES_2.items()}
    for case, (kind, changes) in FURTHER.items():
        made[case] = signed(kind, {**EXAMPLES.get(kind, {}), **changes})
    return [
        {"id": case, "manifest": one.encode().decode(), "blake3": one.id.hex}
        for case, one in made.items()
    ]


def refused() -> list[dict[str, Any]]:
    """Return the cases of ``refused-2.json``."""
    cases: list[tuple[str, bytes, str, str]] = []
    for kind, about in KINDS.items():
        if about.first == 1:
            first = manifest_of(kind)
            why = "version 1 says it as well"
            cases.append((f"{kind}-needs-1", resigned(first, lyrikstore=2), "bad-manifest", why))
            extra = {**first.body, "extra": 1}
            why = "an unknown member"
            cases.append((f"{kind}-extra-in-1", resigned(first, body=extra), "schema", why))
            if about.newest == 1:
                data, why = resigned(first, lyrikstore=2, body=extra), "version 2 has no such kind"
                cases.append((f"{kind}-extra-in-2", data, "bad-manifest", why))
        if kind not in EXAMPLES_2:
            continue
        second = signed(kind, EXAMPLES_2[kind])
        why = "it needs version 2"
        cases.append((f"{kind}-needs-2", resigned(second, lyrikstore=1), "schema", why))
        extra = {**second.body, "extra": 1}
        why = "an unknown member"
        cases.append((f"{kind}-extra-in-2", resigned(second, body=extra), "schema", why))
    cases += [*_refused_datasets(), *_refused_others()]
    return [
        {"id": case, "manifest": data.decode(), "kind": kind, "why": why}
        for case, data, kind, why in cases
    ]


def _refused_datasets() -> list[tuple[str, bytes, str, str]]:
    rows = signed("dataset", EXAMPLES_2["dataset"])
    chunks, compared, generated = (
        signed(kind, {**EXAMPLES[kind], **changes})
        for kind, changes in (
            FURTHER[case] for case in ("dataset-of-chunks", "dataset-compared", "dataset-generated")
        )
    )
    derivation: dict[str, Any] = CHUNKS["derivation"]
    counts = derivation["counts"]

    def derived(**changes: Any) -> bytes:
        return resigned(chunks, body={**CHUNKS, "derivation": {**derivation, **changes}})

    def counted(**changes: Any) -> bytes:
        shown_counts = {
            name: value for name, value in {**counts, **changes}.items() if value is not None
        }
        return resigned(
            chunks, body={**CHUNKS, "derivation": {**CHUNKS["derivation"], "counts": shown_counts}}
        )

    return [
        ("role-needs-2", resigned(compared, lyrikstore=1), "bad-input", "a role of version 2"),
        (
            "role-of-no-version",
            resigned(compared, inputs=[{"role": "generator", "kind": "checkpoint", "id": str(A)}]),
            "bad-input",
            "the role of another origin",
        ),
        (
            "generators-of-none",
            resigned(rows, body={**ROWS, "generators": SYNTHETIC["generators"]}),
            "schema",
            "only what was generated has generators",
        ),
        (
            "generated-by-nobody",
            resigned(generated, body={k: v for k, v in SYNTHETIC.items() if k != "generators"}),
            "schema",
            "who generated it is missing",
        ),
        ("no-fields", resigned(rows, body={**ROWS, "fields": {}}), "schema", "no field is named"),
        (
            "separator-of-nothing",
            resigned(rows, body={**ROWS, "fields": {"text": ["a"], "labelSeparator": ";"}}),
            "schema",
            "it separates the labels of no field",
        ),
        (
            "text-twice",
            resigned(rows, body={**ROWS, "fields": {"text": ["a", "a"]}}),
            "schema",
            "a field twice",
        ),
        ("no-companions", resigned(rows, body={**ROWS, "companions": []}), "schema", "empty"),
        (
            "companions-unsorted",
            resigned(rows, body={**ROWS, "companions": ["\U00010400.md", "\uff21.md"]}),
            "bad-manifest",
            "in the order of UTF-16",
        ),
        *(
            (
                f"companion-{name}",
                resigned(rows, body={**ROWS, "companions": [name]}),
                "bad-manifest",
                "a program that reads every file of rows reads it, too",
            )
            for name in ("a/part-3.CSV", "more.tsv", "old.csv.gz")
        ),
        ("nothing-skipped", resigned(rows, body={**ROWS, "skipped": 0}), "schema", "none skipped"),
        ("skipped-unnamed", resigned(rows, attachments=[]), "bad-manifest", "which lines?"),
        ("made-none", counted(made=0), "schema", "none was made"),
        ("made-too-many", counted(made=8), "bad-manifest", "more were made than became of any"),
        (
            "decisions-of-1",
            resigned(
                chunks, body={**CHUNKS, "derivation": {**CHUNKS["derivation"], "decisions": 1}}
            ),
            "schema",
            "version 1 of decisions is not named",
        ),
    ]


def _refused_others() -> list[tuple[str, bytes, str, str]]:
    made = {kind: signed(kind, example) for kind, example in EXAMPLES_2.items()}
    made |= {
        case: signed(kind, {**EXAMPLES.get(kind, {}), **changes})
        for case, (kind, changes) in FURTHER.items()
    }

    def changed(case: str, **changes: Any) -> bytes:
        return resigned(made[case], body={**made[case].body, **changes})

    def without(case: str, member: str) -> bytes:
        body = {name: value for name, value in made[case].body.items() if name != member}
        return resigned(made[case], body=body)

    weightless = [{"name": "rampart", "version": "1.4.0"}]
    both = [{"metric": "macroF1", "atLeast": "0.7", "atMost": "0.9"}]
    number = {"memoryBytes": {"value": 1900000000, "basis": "computed"}}
    guessed = {"memoryBytes": {"value": "1900000000", "basis": "guessed"}}
    states = {k: v for k, v in made["card"].body["states"].items() if k != "stale"}
    return [
        ("no-weights", changed("filter", models=weightless), "schema", "no digest"),
        ("no-libraries", changed("filter", libraries={}), "schema", "empty"),
        ("two-bounds", changed("run", thresholds=both), "schema", "one bound each"),
        ("planned-integer", changed("run", plan=number), "schema", "a decimal is a string"),
        ("planned-by-guess", changed("run", plan=guessed), "schema", "no such basis"),
        ("no-segments", resigned(made["checkpoint"], attachments=[]), "bad-manifest", "no digests"),
        (
            "no-validation",
            changed("checkpoint", validation={"format": "validation/1", "count": 30}),
            "bad-manifest",
            "no attachment holds it",
        ),
        ("derived-by-what", without("checkpoint-derived", "operation"), "schema", "no operation"),
        (
            "derived-of-nothing",
            resigned(made["checkpoint-derived"], inputs=[]),
            "bad-input",
            "it has no source",
        ),
        ("drift-of-a-test", without("evaluation-monitor", "purpose"), "schema", "not a monitor"),
        ("no-baseline", without("evaluation", "baseline"), "schema", "a test has a baseline"),
        (
            "no-predictions",
            resigned(made["evaluation"], attachments=[]),
            "bad-manifest",
            "the predictions are missing",
        ),
        *(
            (name, changed("evaluation-by-place", worst=[worst]), "schema", why)
            for name, worst, why in (
                ("named-twice", {"place": 0, "record": A.hex}, "by place or by id"),
                ("named-by-nothing", {"score": "0.125"}, "no place"),
                ("place-below-0", {"place": -1}, "places are counted from 0"),
                ("place-as-text", {"place": "0"}, "a place is a number"),
            )
        ),
        (
            "place-in-1",
            resigned(made["evaluation-by-place"], lyrikstore=1),
            "schema",
            "it needs version 2",
        ),
        (
            "deployed-without-files",
            resigned(made["deployment"], tree=None),
            "bad-manifest",
            "no tree",
        ),
        (
            "deployed-without-report",
            resigned(made["deployment"], attachments=[]),
            "bad-manifest",
            "the report and the signature of the files are missing",
        ),
        (
            "deployed-of-no-run",
            resigned(
                made["deployment"],
                inputs=[{"role": "checkpoint", "kind": "checkpoint", "id": str(A)}],
            ),
            "bad-input",
            "no run made it",
        ),
        *(
            (name, changed("run-confined", execution={**begun, **other}), "schema", why)
            for name, begun, other, why in (
                ("confined-and-observed", CONFINED, {"observed": "nothing"}, "one of the two"),
                ("confined-for-a-cause", CONFINED, {"cause": "asked"}, "of what nothing confines"),
                ("confined-elsewhere", CONFINED, {"by": "job"}, "only a command is"),
                ("confined-by-what", CONFINED, {"confinement": "chroot"}, "no such sandbox"),
                ("opened-nothing", CONFINED, {"opened": {}}, "empty"),
                ("opened-no-network", CONFINED, {"opened": {"network": False}}, "left out then"),
                ("opened-by-all", UNCONFINED, {"opened": {"network": True}}, "all of it is open"),
                ("unconfined-version", UNCONFINED, {"version": "0.11.0"}, "of nothing"),
                ("unconfined-elsewhere", UNCONFINED, {"cause": "elsewhere"}, "it ran here"),
            )
        ),
        *(
            (f"unconfined-{by}", changed("run-confined", execution=said), "schema", "why not?")
            for by, said in (
                ("command", {"by": "command", "confinement": "none"}),
                ("callback", {"by": "callback", "confinement": "none", "cause": "asked"}),
                ("ended", {"by": "ended"}),
            )
        ),
        *_refused_rules(made),
        ("a-state-uncounted", changed("card", states=states), "schema", "stale is not counted"),
    ]


def _refused_rules(made: dict[str, Manifest]) -> list[tuple[str, bytes, str, str]]:
    about, ruled = (
        {"role": role, "kind": role, "id": str(one)} for role, one in (("dataset", B), ("rules", A))
    )
    both = [ruled, about, {"role": "checkpoint", "kind": "checkpoint", "id": str(C)}]

    def other(kind: str, **changes: Any) -> bytes:
        return resigned(made[kind], body={**made[kind].body, **changes})

    return [
        (
            "rules-without-schema",
            resigned(made["rules"], attachments=[]),
            "bad-manifest",
            "pack, schema and source are missing",
        ),
        ("rules-of-other-facts", other("rules", facts=2), "schema", "facts of no version"),
        ("waiver-of-nothing", resigned(made["waiver"], inputs=[ruled]), "bad-input", "for what?"),
        ("waiver-of-both", resigned(made["waiver"], inputs=both), "bad-input", "one of the two"),
        (
            "waiver-of-no-rules",
            resigned(made["waiver"], inputs=[about]),
            "bad-input",
            "which pack has the rule?",
        ),
        ("waiver-for-ever", other("waiver", until="never"), "schema", "it has a last day"),
        (
            "decision-by-no-rules",
            resigned(made["decision"], inputs=[about]),
            "bad-input",
            "what decided it?",
        ),
        (
            "decision-without-request",
            resigned(made["decision"], attachments=[]),
            "bad-manifest",
            "the request is missing",
        ),
        ("decision-that-denies", other("decision", answer="deny"), "schema", "nothing is signed"),
        (
            "decision-in-1",
            resigned(made["run-decided"], lyrikstore=1),
            "bad-input",
            "a role of version 2",
        ),
        (
            "decisions-of-one-run",
            resigned(
                made["run-decided"],
                inputs=[
                    *parse(made["run-decided"].encode())["inputs"],
                    {"role": "decision", "kind": "decision", "id": str(A)},
                ],
            ),
            "bad-input",
            "one decision at most",
        ),
    ]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "manifests/good-2.json": {"cases": good()},
        "manifests/refused-2.json": {"cases": refused()},
    }
