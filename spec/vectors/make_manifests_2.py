"""Makes ``manifests/good-2.json`` and ``refused-2.json``: format version 2 (spec §6.1).

Every kind that has a schema of version 2 is told in it, in both versions wrongly, and with members
that none has. Those refused carry good signatures, and say as which kind of fault they are.
"""

from typing import Any

from lyrikstore.history.manifests.kinds import KINDS
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from make_manifests import (
    CREATED,
    DATASET,
    DERIVED,
    EXAMPLES,
    SIGNER,
    STORE,
    A,
    B,
    C,
    manifest_of,
    resigned,
)

SOURCES = [Input("source", "dataset", A), Input("filter", "filter", B)]
ROWS: dict[str, Any] = {
    **DATASET,
    "reader": "csv/2",
    "fileCount": 4,
    "fields": {
        "text": ["title", "text"],
        "label": "labels",
        "labelSeparator": "; ",
        "id": "id",
        "group": "contract",
        "split": "part",
        "licence": "licence",
    },
    "companions": ["LICENSE", "README.md", "\uff21.md", "\U00010400.md"],
    "skipped": 2,
}
CHUNKS: dict[str, Any] = {
    **DERIVED,
    "records": 6,
    "derivation": {
        "counts": {"in": 5, "kept": 4, "dropped": 1, "changed": 0, "elsewhere": 0}
        | {"parents": 2, "made": 4},
        "dropped": {"empty": 1},
        "changed": {},
        "reported": {"label-conflict": 2},
        "decisions": 2,
    },
}
SYNTHETIC: dict[str, Any] = {
    **{k: v for k, v in DATASET.items() if k != "ignored"},
    "origin": "generated",
    "generators": [
        {
            "name": "checkpoints/acme/writer",
            "checkpoint": str(A),
            "prompt": str(B),
            "params": {"temperature": "0.7", "seed": 7},
            "outputTerms": {"permitsTraining": "yes"},
        },
        {
            "name": "somebody's model",
            "version": "2026-10",
            "provider": "Example Inc.",
            "outputTerms": {
                "ref": "https://example.org/terms",
                "digest": str(C),
                "permitsTraining": "unknown",
            },
        },
    ],
}
SKIPPED = Attachment("skipped", C, 120)
EXAMPLES_2: dict[str, dict[str, Any]] = {
    "policy": {
        **EXAMPLES["policy"],
        "body": {"policy": {**EXAMPLES["policy"]["body"]["policy"], "misdated": [3, 17]}},
    },
    "dataset": {**EXAMPLES["dataset"], "body": ROWS, "attachments": [SKIPPED]},
    "filter": {
        **EXAMPLES["filter"],
        "body": {
            **EXAMPLES["filter"]["body"],
            "libraries": {"presidio-analyzer": "2.2.366", "onnxruntime": "1.32.0"},
            "models": [
                {"name": "rampart", "version": "1.4.0", "digest": str(A), "licence": "Apache-2.0"},
                {"name": "another", "version": "1", "digest": str(B)},
            ],
            "cpu": "x86_64 avx512f avx512_vnni",
        },
    },
}
"""Kind → a manifest of it that needs version 2."""

FURTHER: dict[str, tuple[str, dict[str, Any]]] = {
    "dataset-of-chunks": ("dataset", {"body": CHUNKS, "inputs": SOURCES}),
    "dataset-compared": (
        "dataset",
        {"body": DERIVED, "inputs": [*SOURCES, Input("against", "dataset", C)]},
    ),
    "dataset-generated": (
        "dataset",
        {
            "body": SYNTHETIC,
            "inputs": [Input("generator", "checkpoint", A), Input("source", "dataset", C)],
            "attachments": [Attachment("prompt", B, 300)],
        },
    ),
    "dataset-with-one-role": ("dataset", {"body": {**DATASET, "fields": {"text": ["text"]}}}),
}
"""Id → kind, and what is another in its example of version 1."""


def signed(kind: str, example: dict[str, Any]) -> Manifest:
    """Return a manifest of ``kind``; its version is the one that it needs."""
    arguments = {"store": STORE, "message": "why", **example}
    return sign_manifest(kind=kind, signer=SIGNER, created=CREATED, **arguments)


def good() -> list[dict[str, Any]]:
    """Return the cases of ``good-2.json``."""
    made = {kind: signed(kind, example) for kind, example in EXAMPLES_2.items()}
    for case, (kind, changes) in FURTHER.items():
        made[case] = signed(kind, {**EXAMPLES[kind], **changes})
    return [
        {"id": case, "manifest": one.encode().decode(), "blake3": one.id.hex}
        for case, one in made.items()
    ]


def refused() -> list[dict[str, Any]]:
    """Return the cases of ``refused-2.json``."""
    cases: list[tuple[str, bytes, str, str]] = []
    for kind in KINDS:
        first = manifest_of(kind)
        why = "version 1 says it as well"
        cases.append((f"{kind}-needs-1", resigned(first, lyrikstore=2), "bad-manifest", why))
        extra = {**first.body, "extra": 1}
        why = "an unknown member"
        cases.append((f"{kind}-extra-in-1", resigned(first, body=extra), "schema", why))
        if kind not in EXAMPLES_2:
            continue
        second = signed(kind, EXAMPLES_2[kind])
        why = "it needs version 2"
        cases.append((f"{kind}-needs-2", resigned(second, lyrikstore=1), "schema", why))
        extra = {**second.body, "extra": 1}
        why = "an unknown member"
        cases.append((f"{kind}-extra-in-2", resigned(second, body=extra), "schema", why))
    cases += [*_refused_datasets(), *_refused_filters()]
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
        told = {name: value for name, value in {**counts, **changes}.items() if value is not None}
        return resigned(
            chunks, body={**CHUNKS, "derivation": {**CHUNKS["derivation"], "counts": told}}
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
        ("nothing-skipped", resigned(rows, body={**ROWS, "skipped": 0}), "schema", "none skipped"),
        ("skipped-unnamed", resigned(rows, attachments=[]), "bad-manifest", "which lines?"),
        ("parents-alone", counted(made=None), "schema", "parents and made come together"),
        ("more-parents", counted(parents=5, made=7), "bad-manifest", "more parents than were kept"),
        ("made-too-many", counted(made=5), "bad-manifest", "records is not kept - parents + made"),
        (
            "decisions-of-1",
            resigned(
                chunks, body={**CHUNKS, "derivation": {**CHUNKS["derivation"], "decisions": 1}}
            ),
            "schema",
            "version 1 of decisions is not named",
        ),
    ]


def _refused_filters() -> list[tuple[str, bytes, str, str]]:
    body = EXAMPLES_2["filter"]["body"]
    made = signed("filter", EXAMPLES_2["filter"])
    weightless = [{"name": "rampart", "version": "1.4.0"}]
    return [
        ("no-weights", resigned(made, body={**body, "models": weightless}), "schema", "no digest"),
        ("no-libraries", resigned(made, body={**body, "libraries": {}}), "schema", "empty"),
    ]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "manifests/good-2.json": {"cases": good()},
        "manifests/refused-2.json": {"cases": refused()},
    }
