"""Facts about data for plans: from signed statistics, without reading texts.

The rules: docs/internals/training.md.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError, NotFoundError
from lyrikstore.canon.text import unknown_word
from lyrikstore.curate.readers import DOCUMENT
from lyrikstore.curate.readers.fields import USUAL, FieldRoles, say_which
from lyrikstore.curate.recipes.source import resolve_dataset, source_reader
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.history.trees.tree import Tree
from lyrikstore.train.bases.chain import first_base
from lyrikstore.train.config import DataConfig
from lyrikstore.train.formats.base_model import (
    CONFIG,
    MAX_CONFIG_BYTES,
    MAX_TOKENIZER_BYTES,
    TOKENIZER,
    check_model_config,
    check_model_files,
)
from lyrikstore.train.formats.tokenizer import check_tokenizer
from lyrikstore.train.labels import FEW_VALUES
from lyrikstore.train.plan.shapes import EncoderShape
from lyrikstore.train.plan.token_counts import TOKENS_PER_WORD, TokenCounts

Basis = Literal["tokenizer", "words", "lengths", "files", "size"]
"""The source of token counts: the model's tokenizer; words in a sample of the texts; their
shortest, median and longest length; sizes of files with one text each; bytes per record."""

PARTS = ("train", "validation", "test")

ASKED = {
    "prompt": ("prompt", "question", "instruction"),
    "completion": ("completion", "answer", "response", "output"),
}
"""Role → usual names of its field."""


class DataFacts(Struct, frozen=True):
    """Facts about one dataset, or several together.

    Attributes:
        records: Number of records.
        tokens: Lengths of the texts in tokens.
        basis: The source of these lengths.
        labels: Label → number of records; empty if unknown.
        label_total: Number of different labels.
        several: Number of records with more than one label.
        bare: Number of records without a label, as far as known.
        others: Other fields that could be labels → number of different values.
        answers: For a generative model: lengths of the answers.
    """

    records: int
    tokens: TokenCounts
    basis: Basis
    labels: Mapping[str, int]
    label_total: int
    several: int = 0
    bare: int = 0
    others: Mapping[str, int] = {}
    answers: TokenCounts | None = None

    @property
    def given(self) -> int:
        """Number of labels of all records; if unknown, one for each record."""
        return sum(self.labels.values()) or self.records

    def joined(self, other: "DataFacts") -> "DataFacts":
        """Return the facts about both together, with the less exact basis."""
        labels = dict(self.labels)
        for label, records in other.labels.items():
            labels[label] = labels.get(label, 0) + records
        order: tuple[Basis, ...] = ("tokenizer", "words", "lengths", "files", "size")
        return DataFacts(
            records=self.records + other.records,
            tokens=self.tokens.joined(other.tokens),
            basis=max(self.basis, other.basis, key=order.index),
            labels=labels,
            label_total=max(len(labels), self.label_total, other.label_total),
            several=self.several + other.several,
            bare=self.bare + other.bare,
            others={
                name: max(count, other.others[name])
                for name, count in self.others.items()
                if name in other.others
            },
            answers=self.answers and other.answers and self.answers.joined(other.answers),
        )

    def counted(self, tokens: TokenCounts) -> "DataFacts":
        """Return the same facts with the counts of a tokenizer."""
        return replace(self, tokens=tokens, basis="tokenizer")


def find_parts(repo: Repository, ref: str) -> dict[str, str]:
    """Return the parts that a name of training data means: part → REF.

    Args:
        repo: The store.
        ref: The name before ``.train``, ``.validation`` and ``.test``, or a dataset; for a
            dataset without parts the result has only ``train``.

    Raises:
        NotFoundError, InvalidInputError: There is no such dataset.
    """
    try:
        name = parse_name(ref)
    except InvalidInputError:  # an id, or a version before the current one
        return {"train": str(resolve_dataset(repo, ref).id)}
    stem = str(name).removesuffix(".train")
    refs = repo.refs
    parts = {part: f"{stem}.{part}" for part in PARTS if f"{stem}.{part}" in refs}
    if {"train", "validation"} <= parts.keys():
        return {part: full.removeprefix("datasets/") for part, full in parts.items()}
    return {"train": resolve_dataset(repo, ref).name.removeprefix("datasets/")}


def label_of(manifest: Manifest) -> str:
    """Return the label field that the dataset names, or one with a usual name.

    Raises:
        InvalidInputError: (``label-missing``) there is none.
    """
    if label := FieldRoles.of_body(manifest.body).label:
        return label
    known = columns_of(manifest)
    for name in USUAL["label"]:
        if name in known:
            return name
    raise InvalidInputError(
        "label-missing",
        f"{manifest.name} does not name its label field",
        hint=f"name it: --label FIELD; its fields: {', '.join(sorted(known))[:300] or 'none'}",
    )


def read_facts(repo: Repository, ref: str, *, label: str, text: str = "") -> DataFacts:
    """Return the facts about a dataset.

    Args:
        repo: The store.
        ref: REF of the dataset.
        label: The field that holds its label.
        text: The field that holds its text; empty: the dataset names it.

    Raises:
        NotFoundError: There is no such dataset.
        InvalidInputError: (``label-missing``) it has no such label field; (``no-text``) no field is
            the text.
        VerificationError, IncompleteError: Its tree is damaged or missing.
        LyrikstoreError: As :func:`resolve_dataset`.

    Cost: reads the manifest; for documents also the tree, but not the data.
    """
    manifest = resolve_dataset(repo, ref)
    if source_reader(manifest.body) == DOCUMENT:
        return _documents(repo, manifest, label)
    return _rows(manifest, label, text)


def _documents(repo: Repository, manifest: Manifest, label: str) -> DataFacts:
    entries = repo.tree(manifest).entries
    labels: dict[str, int] = {}
    values: dict[str, set[str]] = {}
    for entry in entries:
        meta = entry.meta or {}
        if value := meta.get(label):
            labels[value] = labels.get(value, 0) + 1
        for name, value in meta.items():
            some = values.setdefault(name, set())
            if len(some) <= FEW_VALUES:
                some.add(value)
    if entries and not labels:
        known = {name for entry in entries for name in entry.meta or ()} or columns_of(manifest)
        raise unknown_word("label-missing", f"label column of {manifest.name}:", label, known)
    tokens = TokenCounts.of_characters(entry.bytes for entry in entries)
    return DataFacts(
        len(entries),
        tokens,
        "files",
        labels,
        len(labels),
        bare=len(entries) - sum(labels.values()),
        others=_usable({name: len(some) for name, some in values.items() if name != label}),
    )


def _rows(manifest: Manifest, label: str, text: str) -> DataFacts:
    body, stats = manifest.body, _stats(manifest)
    roles, records = FieldRoles.of_body(body), int(body["records"])
    fields = {one.field: one for one in stats.fields}
    texts = (text,) if text else roles.text
    if not texts:
        raise InvalidInputError(
            "no-text",
            f"no field of {manifest.name} is the text",
            hint=f'[data] text = "FIELD"; or {say_which("--text FIELD")}',
        )
    if fields and label not in fields and stats.fields_above is None:
        raise unknown_word("label-missing", f"label field of {manifest.name}:", label, fields)
    labels: dict[str, int] = {}
    if label == roles.label:
        labels = {one.label: one.records for one in stats.labels}
    of_label = fields.get(label, _Field(""))
    tokens, basis = _tokens(
        records, int(body["bytes"]), stats.sample, [fields.get(name) for name in texts]
    )
    return DataFacts(
        records=records,
        tokens=tokens,
        basis=basis,
        labels=labels,
        label_total=len(labels) or of_label.distinct or of_label.distinct_above or 0,
        several=stats.several_labels if label == roles.label else 0,
        bare=max(of_label.missing, records - sum(labels.values()) if labels else 0),
        others=_usable(
            {
                one.field: one.distinct or 0
                for one in stats.fields
                if one.field not in {label, roles.id, roles.group, *texts}
            }
        ),
    )


def _usable(values: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in values.items() if 2 <= count <= FEW_VALUES}


def _tokens(
    records: int, size: int, sample: "_Sample | None", texts: "list[_Field | None]"
) -> tuple[TokenCounts, Basis]:
    if sample is not None and sample.tokens is not None:
        words = sample.tokens
        found = TokenCounts.of_summary(
            records,
            least=words.least,
            median=words.median,
            most=words.most,
            seen=sample.records,
            unit=1 / TOKENS_PER_WORD,
        )
        return found, "words"
    lengths = [one.lengths for one in texts if one is not None and one.lengths is not None]
    if len(lengths) == len(texts):
        found = TokenCounts.of_summary(
            records,
            least=sum(one.least for one in lengths),
            median=sum(one.median for one in lengths),
            most=sum(one.most for one in lengths),
            seen=records,
        )
        return found, "lengths"
    return TokenCounts.of_mean(records, size / max(1, records)), "size"


_Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53) - 1)]


class _Lengths(Struct, frozen=True):
    least: _Count
    median: _Count
    most: _Count


class _Field(Struct, frozen=True, rename="camel"):
    field: str
    lengths: _Lengths | None = None
    missing: _Count = 0
    distinct: _Count | None = None
    distinct_above: _Count | None = None


class _Label(Struct, frozen=True):
    label: str
    records: _Count


class _Sample(Struct, frozen=True):
    records: _Count
    tokens: _Lengths | None = None


class _Stats(Struct, frozen=True, rename="camel"):
    """The members of a descriptor's ``stats`` that are read."""

    fields: list[_Field] = []
    fields_above: _Count | None = None
    labels: list[_Label] = []
    several_labels: _Count = 0
    sample: _Sample | None = None


def _stats(manifest: Manifest) -> _Stats:
    # ATTACK: the signer of a dataset can state anything here; malformed statistics are ignored.
    stated = manifest.body.get("descriptor", {}).get("stats", {}).get("value", {})
    try:
        return msgspec.convert(stated, _Stats)
    except msgspec.ValidationError:
        return _Stats()


def columns_of(manifest: Manifest) -> list[str]:
    """Return the fields of a dataset, as its statistics or its sheet list them."""
    fields = [one.field for one in _stats(manifest).fields]
    return fields or list(manifest.body.get("metadata", {}).get("columns", ()))


def check_group(repo: Repository, field: str, datasets: Iterable[Manifest]) -> None:
    """Raise `unknown-column` if no dataset has the field that groups records.

    If statistics do not list every field, nothing is raised.

    Args:
        repo: The store.
        field: The field that the config names; empty: none.
        datasets: The training and validation data.

    Raises:
        InvalidInputError: (``unknown-column``) no record has a value in it; similar names are
            listed.
        VerificationError, IncompleteError: A tree is damaged or missing.

    Cost: reads the tree of documents, but not the data.
    """
    known = set[str]()
    for one in datasets if field else ():
        if source_reader(one.body) == DOCUMENT:
            known.update(name for entry in repo.tree(one).entries for name in entry.meta or ())
            continue
        stats = _stats(one)
        if not stats.fields or stats.fields_above is not None:
            return
        known.update(each.field for each in stats.fields if each.missing < one.body["records"])
    if field and field not in known:
        raise unknown_word("unknown-column", "field in [data] group:", field, known)


def find_bases(repo: Repository) -> list[str]:
    """Return the sorted names of imported checkpoints, which can be base models."""
    found = []
    for name in sorted(repo.refs):
        if name.startswith("checkpoints/"):
            try:
                manifest = repo.resolve(name)
            except NotFoundError:
                continue
            if manifest.body.get("origin") == "imported" and manifest.tree is not None:
                found.append(name)
    return found


def read_conversations(repo: Repository, ref: str, data: DataConfig) -> DataFacts:
    """Return the facts about a dataset for a generative model.

    Args:
        repo: The store.
        ref: REF of the dataset.
        data: Section ``[data]`` of the config, with the fields.

    Raises:
        NotFoundError: There is no such dataset.
        InvalidInputError: (``unknown-column``) it has no such field.
        LyrikstoreError: As :func:`resolve_dataset`.
    """
    manifest = resolve_dataset(repo, ref)
    body, stats = manifest.body, _stats(manifest)
    if source_reader(body) == DOCUMENT:
        raise InvalidInputError(
            "no-reader",
            f"{manifest.name} is a dataset of documents, which have no fields for prompts",
            hint="commit rows: a JSONL, CSV or Parquet file with prompt and completion",
        )
    fields = {one.field: one for one in stats.fields}
    names = [name for name in (data.messages, data.prompt, data.completion) if name]
    for name in names:
        if fields and name not in fields and stats.fields_above is None:
            raise unknown_word("unknown-column", f"field of {manifest.name}:", name, fields)
    records = int(body["records"])
    size = int(body["bytes"])
    tokens, basis = _tokens(records, size, None, [fields.get(name) for name in names])
    answers, _ = _tokens(records, size // 2, None, [fields.get(names[-1])])
    return DataFacts(records, tokens, basis, {}, 0, answers=answers)


def conversation_fields(
    manifest: Manifest, prompt: str = "", completion: str = ""
) -> dict[str, str]:
    """Return the fields with prompt and answer, by role; empty: they are unknown.

    Args:
        manifest: The dataset.
        prompt: The field with the prompt; empty: one with a usual name.
        completion: The field with the answer; empty: one with a usual name.
    """
    known, given = set(columns_of(manifest)), {"prompt": prompt, "completion": completion}
    if "messages" in known and not (prompt or completion):
        return {"messages": "messages"}
    found = {
        role: given[role] or next((name for name in names if name in known), "")
        for role, names in ASKED.items()
    }
    return found if all(found.values()) else {}


def read_shape(repo: Repository, ref: str) -> tuple[Manifest, EncoderShape]:
    """Return a base model and its shape.

    Args:
        repo: The store.
        ref: REF of the base model.

    Raises:
        NotFoundError: There is no such object.
        InvalidInputError: (``not-a-model``) it is not a model.
        VerificationError, IncompleteError: It is damaged or missing.
        LyrikstoreError: As :func:`check_model_config`.
    """
    manifest = repo.resolve(ref)
    if manifest.kind != "checkpoint" or manifest.tree is None:
        raise InvalidInputError(
            "not-a-model",
            f"{ref} is not a checkpoint",
            hint="commit the folder of a model: docs/plan.md",
        )
    return manifest, EncoderShape.of_settings(_settings(repo, _base_tree(repo, manifest)))


def read_described(repo: Repository, base: Manifest) -> tuple[dict[str, Any], bytes]:
    """Return the settings of a base model and its ``tokenizer.json``, as a run would stage them.

    Args:
        repo: The store.
        base: The manifest that :func:`read_shape` returned.

    Raises:
        PolicyError, VerificationError, IncompleteError: As :func:`read_shape`.
    """
    tree = _base_tree(repo, base)
    tokenizer = repo.blobs.read(tree.by_path[TOKENIZER].blake3, max_bytes=MAX_TOKENIZER_BYTES)
    check_tokenizer(tokenizer)
    return _settings(repo, tree), tokenizer


def _base_tree(repo: Repository, manifest: Manifest) -> Tree:
    tree = present_tree(repo, first_base(repo, manifest))
    check_model_files(tree)
    return tree


def _settings(repo: Repository, tree: Tree) -> dict[str, Any]:
    data = repo.blobs.read(tree.by_path[CONFIG].blake3, max_bytes=MAX_CONFIG_BYTES)
    return check_model_config(data)
