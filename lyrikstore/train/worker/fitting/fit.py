"""Training of one candidate. Runs in a worker; reads a staged snapshot, writes a staged checkpoint.

Deterministic on one machine: order by :mod:`lyrikstore.train.worker.order`, one seed,
deterministic algorithms, a fixed number of threads (spec §13.3).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lyrikstore.train.worker.examples import Example, read_examples
from lyrikstore.train.worker.fitting.written import Began, Report, Written
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.staging import TRAIN, VALIDATION


def train(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Train one candidate, write its checkpoint and what it says of the validation data.

    Args:
        job: ``candidate``, ``task``, ``labels``, ``config`` as a run manifest holds it.
        files: The staging folder: ``base/`` where the candidate has one, ``train.jsonl``,
            ``validation.jsonl``.
        report: Called per step, and per epoch.

    Returns:
        ``checkpoints``, each with ``folder``, ``logits`` (a file of float64, records × labels),
        ``step``, ``epoch``, ``final`` and ``metrics``; the last one is final. ``rareWords``:
        whether words of one record alone are in the model, as no other are there.
    """
    began = Began()
    candidate, labels = str(job["candidate"]), list(job["labels"])
    examples, checking = read_examples(files, TRAIN), read_examples(files, VALIDATION)
    rare = False
    written = Written(job, files.folder / "out" / candidate, checking, began)
    if candidate == "tfidf":
        from lyrikstore.train.worker.models.word_counts import WordCounts

        report("start", 0, 1, candidate=candidate)
        names = job["config"]["data"].get("fields", ())
        words = WordCounts.fit(job["task"], labels, examples, names)
        written.add(words, words.logits(checking), final=True)
        rare = words.rare
        report("step", 1, 1)
    elif candidate == "embeddings":
        _train_embeddings(job, files, (examples, checking), written, report)
    else:
        from lyrikstore.train.worker.fitting.tune import train_encoder

        train_encoder(job, files, (examples, checking), written, report)
    return {"checkpoints": written.checkpoints, "rareWords": rare}


def _train_embeddings(
    job: Mapping[str, Any],
    files: StagedFiles,
    data: tuple[Sequence[Example], Sequence[Example]],
    written: Written,
    report: Report,
) -> None:
    from lyrikstore.train.worker.models.embeddings import Embeddings
    from lyrikstore.train.worker.models.encoder import TextEncoder, load_base, prepare

    examples, checking = data
    model, training = job["config"]["model"], job["config"]["training"]
    prepare(training["threads"], training["seed"])
    base = load_base(files, model["max_tokens"])
    text = TextEncoder(files, model["max_tokens"])
    report("start", 0, len(examples), candidate="embeddings")
    found = Embeddings.fit(
        job["task"],
        job["labels"],
        examples,
        (base, text, model["pooling"]),
        lambda done, total: report("step", done, total),
    )
    written.add(found, found.logits(checking), final=True)
