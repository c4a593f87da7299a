"""Recomputation of word-count answers and near duplicates, for verification (§13.9.9).

It runs in this process, with the code that computed the answers first. Encoders are not run again:
that needs their base model, and hours.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.quoting import quote
from lyrikstore.curate.recipes.filters.duplicates.between import ALIKE, METHOD, find_near
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.train.environment import describe_environment
from lyrikstore.train.evaluation.answers import fields_of, job_folds
from lyrikstore.train.evaluation.overlap import LearnedData
from lyrikstore.train.formats import word_counts
from lyrikstore.train.formats.adapter import MAX_JSON_BYTES
from lyrikstore.train.formats.base_model import check_weights
from lyrikstore.train.formats.check import check_settings, check_tensors
from lyrikstore.train.formats.formats import FORMATS
from lyrikstore.train.slices import group_numbers
from lyrikstore.train.snapshot import CopiedFields, read_copied, read_texts
from lyrikstore.train.worker.examples import Example, targets
from lyrikstore.verify.evaluation.answers import MODEL, WHOLE
from lyrikstore.verify.evaluation.choice.baselines import (
    NEAREST,
    NEAREST_1,
    WORD_COUNTS,
    WORD_COUNTS_1,
    rival_of,
)
from lyrikstore.verify.evaluation.choice.task import AnswerRule, labelling_rules

MAX_WEIGHTS, MAX_VOCABULARY = 256 << 20, 64 << 20
"""Longest weights and vocabulary that are loaded into this process, in bytes."""

MAX_FITTED, MAX_FITTED_LABELS = 1_000_000, 100
"""Most training records × labels × fits, and most labels, for which a baseline is fitted again; it
takes minutes."""

AT_ONCE = 256
NEARLY = 1e-9
"""Training records whose similarities differ by less are equally near: sums are rounded."""

UNSURE = -1
"""Score of a record whose answer depends on rounding."""

Rows = NDArray[np.int64]
Answer = Callable[[Sequence[Example]], Rows]
"""Returns the scores of records in millionths; a row of :data:`UNSURE` is unknown."""

_PACKAGES = ("numpy", "scikit-learn", "scipy")


def find_near_again(
    repo: Repository, evaluation: Manifest, checkpoint: Manifest, run: Manifest
) -> list[bool] | None:
    """Return which records of a test set have a near duplicate in the training data of a model.

    Args:
        repo: The store.
        evaluation: The evaluation, which names the method and the data of the search.
        checkpoint: Its model.
        run: The run of the model, whose config names the text field.

    Returns:
        A flag for each record; None if the evaluation used an unknown method.

    Raises:
        LyrikstoreError: The data cannot be read.
    """
    fields, overlap = _declared(run), evaluation.body["overlap"]
    how = overlap["near"]["method"]
    if how not in {METHOD, ALIKE} or fields is None:
        return None
    tests, train = (
        [repo.manifest(item.id) for item in evaluation.inputs_in(role)]
        for role in ("test", "train")
    )
    if how == ALIKE:
        others = read_texts(repo, train, fields)
    else:
        others = LearnedData.of(repo, checkpoint, fields, overlap.get("unread", ())).texts()
    return find_near(read_texts(repo, tests, fields), others, how)


def answer_again(
    repo: Repository,
    evaluation: Manifest,
    checkpoint: Manifest,
    run: Manifest,
    data: Mapping[str, Sequence[Manifest]],
    answerer: str,
) -> Iterator[Rows] | None:
    """Return the answers of one system to a test set, in millionths, some records at a time.

    Args:
        repo: The store.
        evaluation: The evaluation.
        checkpoint: Its model.
        run: The run of the model.
        data: The datasets in the roles ``test``, ``train`` and ``validation``.
        answerer: ``model``, or the method of a baseline.

    Returns:
        None if the system is not run again: it is not a word-count model, it is too large, its
        packages are not installed, or it was fitted with other versions of them.

    Raises:
        LyrikstoreError: Data or model cannot be read.
    """
    declared = _declared(run)
    if declared is None or not all(map(find_spec, ("scipy", "sklearn", "safetensors"))):
        return None
    answer = (
        _model(repo, checkpoint)
        if answerer == MODEL
        else _baseline(repo, evaluation, checkpoint, declared, data, run, answerer)
    )
    if answer is None:
        return None
    # The labels of a test set are not read here; the nearest record is found by texts alone.
    joined = declared.joined if answerer in {MODEL, WORD_COUNTS} else ()
    examples = _examples(repo, data["test"], CopiedFields("", declared.text, joined))
    batches = iter(lambda: list(islice(examples, AT_ONCE)), [])
    return map(answer, batches)


def _declared(run: Manifest) -> CopiedFields | None:
    """Return the fields that a config names; None: they have the wrong type."""
    data = run.body["config"].get("data")  # unchecked: it can have any type
    if not isinstance(data, dict) or not isinstance(data.get("fields", []), list):
        return None
    named = (data.get("label"), data.get("text", ""), *data.get("fields", ()))
    return fields_of(run.body["config"]) if all(isinstance(one, str) for one in named) else None


def _examples(
    repo: Repository, some: Sequence[Manifest], fields: CopiedFields
) -> Iterator[Example]:
    for manifest in some:
        for _, record, labels, text, joined in read_copied(repo, manifest, fields):
            yield Example(record, tuple(labels), text, joined)


def _model(repo: Repository, checkpoint: Manifest) -> Answer | None:
    """Return the answer function of a word-count model; None: it is another model, or too large."""
    form = checkpoint.body["format"]
    files = present_tree(repo, checkpoint).by_path
    if form not in word_counts.KNOWN or files.keys() != FORMATS[form].files:
        return None
    limits = {word_counts.VOCABULARY: MAX_VOCABULARY, word_counts.WEIGHTS: MAX_WEIGHTS}
    limits[word_counts.SETTINGS] = MAX_JSON_BYTES
    limits[word_counts.CHARACTERS] = word_counts.MAX_CHARACTERS_BYTES
    # ATTACK: the length in its tree is a claim; the blob's own length is checked.
    if any(repo.blobs.size(entry.blake3) > limits[name] for name, entry in files.items()):
        return None
    read = {
        name: repo.blobs.read(entry.blake3, max_bytes=limits[name]) for name, entry in files.items()
    }
    settings = {name: read[name] for name in FORMATS[form].json_files}
    shapes = check_settings(FORMATS[form], settings, checkpoint.body, None, {})
    weights = read[word_counts.WEIGHTS]
    check_tensors(
        word_counts.WEIGHTS,
        check_weights(word_counts.WEIGHTS, weights, len(weights)),
        shapes[word_counts.WEIGHTS],
    )
    from safetensors import SafetensorError

    from lyrikstore.train.worker.models.word_counts import WordCounts

    try:
        model = WordCounts.load(_Read(read), "")
    # ATTACK: tensors of a type that the library has no array for.
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        text = f"{checkpoint.name}: {quote(str(error), 200)}"
        raise FormatError("bad-checkpoint", text) from None
    rule = AnswerRule.of_body(checkpoint.body)
    return _probable(checkpoint.body["task"], model.logits, rule.temperature)


class _Read:
    """Files in memory, with the interface from which a model is loaded."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def read(self, path: str) -> bytes:
        """Return a file."""
        return self._files[path.rpartition("/")[2]]


def _probable(task: str, logits: Callable[[Sequence[Example]], Any], temperature: float) -> Answer:
    return lambda some: _millionths(labelling_rules(task).probabilities(logits(some), temperature))


def _millionths(probabilities: Any) -> Rows:
    return np.asarray(np.rint(probabilities * WHOLE), np.int64)


def _baseline(
    repo: Repository,
    evaluation: Manifest,
    checkpoint: Manifest,
    declared: CopiedFields,
    data: Mapping[str, Sequence[Manifest]],
    run: Manifest,
    method: str,
) -> Answer | None:
    """Return the answer function of a word-count baseline; None: it is not fitted again."""
    if method not in {NEAREST, NEAREST_1, WORD_COUNTS, WORD_COUNTS_1}:
        return None
    from lyrikstore.train.worker.baselines import (
        count_word_fits,
        fit_rivals,
        learnable,
        text_vectors,
    )
    from lyrikstore.train.worker.models.word_counts import WordCounts, fit_terms

    # The result of an optimiser depends on its version, and on how the processor adds numbers.
    if method in {WORD_COUNTS, WORD_COUNTS_1} and not _is_alike(evaluation.body["environment"]):
        return None
    labels, rules = list(checkpoint.body["labels"]), labelling_rules(checkpoint.body["task"])
    rival = rival_of(checkpoint.body)
    strength = "" if rival is None else rival.strength
    records, fits = sum(one.body["records"] for one in data["train"]), 1
    if method == WORD_COUNTS:
        fits = count_word_fits(rules, strength, records)
    if records * len(labels) * fits > MAX_FITTED or len(labels) > MAX_FITTED_LABELS:
        return None
    fields = declared if method == WORD_COUNTS else CopiedFields(declared.label, declared.text)
    train = list(_examples(repo, data["train"], fields))
    if method == NEAREST_1:
        terms, counted, _ = fit_terms([one.text for one in train])
        wanted = targets(train, labels)
        return _nearest(lambda some: terms.matrix([one.text for one in some]), counted, wanted)
    if method == WORD_COUNTS_1:
        words = WordCounts.fit_first(rules.name, labels, train)
        checking = list(_examples(repo, data["validation"], fields))
        decision = rules.decide(words.logits(checking), targets(checking, labels))
        return _probable(rules.name, words.logits, decision.temperature)
    groups = group_numbers(repo, data["train"], run.body["config"])
    job: dict[str, Any] = {
        "task": rules.name,
        "labels": labels,
        "config": {"data": {"fields": list(fields.joined)}},
        "folds": job_folds(int(run.body["seed"]), targets(train, labels), groups),
    }
    if method == NEAREST:
        known, _ = learnable(job, train)
        vectors = text_vectors(known)
        return _nearest(vectors, vectors(known), targets(known, labels))
    job["rival"] = {"candidate": "tfidf", "strength": strength}
    no_files: Any = None  # word counts read no files
    fitted = next(fit_rivals(job, no_files, train, lambda *_, **__: None))
    return _probable(rules.name, fitted.scores, fitted.decision.temperature)


def _nearest(
    features: Callable[[Sequence[Example]], Any], known: Any, wanted: NDArray[np.bool_]
) -> Answer:
    """Return a function that answers with the labels of the most similar training record."""

    def answer(some: Sequence[Example]) -> Rows:
        likeness = (features(some) @ known.T).toarray()
        nearest = likeness.argmax(1)  # of equals the first in storage order
        found = wanted[nearest] * np.int64(WHOLE)
        for at, row in enumerate(likeness):
            alike = np.flatnonzero(row >= row[nearest[at]] - NEARLY)
            if row[nearest[at]] > 0 and not (wanted[alike] == wanted[nearest[at]]).all():
                found[at] = UNSURE
        return np.asarray(found)

    return answer


def _is_alike(environment: Mapping[str, Any]) -> bool:
    here = describe_environment(int(environment["threads"]))
    processors = {str(one["platform"]).rpartition("; ")[2] for one in (here, environment)}
    packages = [[one["packages"].get(name) for name in _PACKAGES] for one in (here, environment)]
    return len(processors) == 1 and packages[0] == packages[1]
