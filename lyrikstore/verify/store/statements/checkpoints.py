"""Checks of checkpoints against their files, their run and their validation (spec §11.7.5)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.verify.evaluation.choice.candidates import (
    FORMAT_IDS,
    NAMES,
    VALIDATION,
    allowed_formats,
    declared_limit,
    formats_by_name,
)
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE, unlike_fault
from lyrikstore.verify.evaluation.external_answers import EXTERNAL, EXTERNAL_FORMAT
from lyrikstore.verify.evaluation.tasks import (
    UNKNOWN_TASK,
    USUAL_TASK,
    containing,
    find_rules,
)
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable, stated
from lyrikstore.verify.store.ancestry import known_retirements
from lyrikstore.verify.store.readers import ReadRecords
from lyrikstore.verify.store.statements.choices import (
    computed_choice,
    find_choice_faults,
    has_to_keep,
    kept_fault,
    record_fault,
    refit_fault,
)

if TYPE_CHECKING:
    from lyrikstore.verify.evaluation.choice.cross_validation import CrossValidation
    from lyrikstore.verify.evaluation.choice.validation import CandidateChoice, ValidationScores

MAX_SETTINGS = 1 << 20
"""Longest file of settings, in bytes."""

_CHECK = "checkpoints"
_BLEND = "blend.json"

Settings = Mapping[str, Mapping[str, JSON]]
"""File → its parsed content."""


def check_checkpoints(repository: Repository, ancestry: Lineage, read: ReadRecords | None) -> Check:
    """Return ``checkpoints``: whether each agrees with its files and its validation.

    Args:
        repository: The store.
        ancestry: The manifests in question.
        read: Reads the records of validation data; None: they are not compared.

    Cost: one read of the settings of each, and of its kept validation; about a hundred passes over
    the scores of the latter, and if records are read, one read of the validation data.
    """
    made = [
        one
        for one in ancestry.values()
        if one.kind == "checkpoint" and one.body["origin"] != "imported"
    ]
    if not made:
        return not_applicable(_CHECK, "nothing in its ancestry was trained here")
    problems = Problems(_CHECK)
    gone = known_retirements(repository)
    for one in made:
        held = _Held(repository, one, ancestry, problems)
        held.compare_external()
        held.compare_unlike()
        settings = held.retired() if one.id in gone.versions else held.compare_settings()
        if {"chosen", VALIDATION} & one.body.keys() and held.is_of_unknown_task():
            continue
        with containing(one.body.get("task", USUAL_TASK), held.lost):
            held.compare_choice()
            if VALIDATION in one.body:
                held.compare_validation(settings, read)
    bare = unfollowed(ancestry)
    elsewhere = [one.name for one in made if one.body["origin"] == EXTERNAL]
    if elsewhere and not problems.count:
        # Nothing of such a model is here that could say otherwise than its signer does.
        text = f"the weights of {elsewhere[0]} are not in this store: only answers are known of it"
        if rest := len(made) - len(elsewhere):
            text += f"; {pluralize(rest, 'other says', 'others say')} what their files say"
        found = {"external": len(elsewhere), "stated": len(bare), "checkpoints": len(made)}
        return stated(_CHECK, text, **found)
    agree = f"{pluralize(len(made), 'checkpoint says', 'checkpoints say')} what their files say"
    if bare and not problems.count:
        text = f"{agree}; not computed again what validation chose of {bare[0]}: it keeps nothing"
        return stated(_CHECK, text, stated=len(bare), checkpoints=len(made))
    summary = f"{agree}, and what their validation decides"
    return problems.close(summary, checkpoints=len(made), stated=len(bare))


def unfollowed(ancestry: Lineage) -> list[str]:
    """Return the names of checkpoints whose choice cannot be computed again.

    Args:
        ancestry: The manifests in question.
    """
    return [
        one.name
        for one in ancestry.values()
        if one.kind == "checkpoint"
        and one.body["origin"] == "trained"
        and "decision" in one.body
        and VALIDATION not in one.body
    ]


def names_no_label(ancestry: Lineage) -> bool:
    """Return whether a checkpoint keeps its validation, but no run names the label field.

    Then the labels that it keeps cannot be compared with those of its data.

    Args:
        ancestry: The manifests in question.
    """
    for one in ancestry.values():
        if one.kind != "checkpoint" or VALIDATION not in one.body:
            continue
        for named in one.inputs_in("run"):
            run = ancestry.get(named.id)
            data = None if run is None else run.body["config"].get("data")
            if run is not None and not (isinstance(data, dict) and data.get("label")):
                return True
    return False


def stated_settings(body: Mapping[str, Any], words: str = FORMAT_IDS["tfidf"]) -> Settings:
    """Return the settings that the tree of a checkpoint must contain.

    Args:
        body: Body of the manifest. For an unknown format no setting is compared.
        words: The format of word counts that its run declares; a blend contains one of them.
    """
    form, text, asked = body["format"], body.get("text", {}), body.get("prompt", {})
    about = {name: body.get(name) for name in ("format", "labels", "task")}
    encoded = {**about, "maxTokens": text.get("maxTokens"), "pooling": text.get("pooling")}
    name = NAMES.get(form)
    if name == "tfidf":
        return {"classifier.json": about}
    if name in {"embeddings", "lora", "full"}:
        return {"classifier.json": encoded}
    if name == "blend":
        other = {member: value for member, value in encoded.items() if member != "format"}
        counts = {**about, "format": words}
        return {_BLEND: about, "words/classifier.json": counts, "other/classifier.json": other}
    if name == "decoder":
        del about["labels"]
        prompt = {"system": asked.get("system", ""), "choices": asked.get("choices")}
        return {"prompt.json": {**about, "maxTokens": encoded["maxTokens"], **prompt}}
    return {}


class _Held:
    """The checks of one checkpoint."""

    def __init__(
        self,
        repository: Repository,
        checkpoint: Manifest,
        ancestry: Lineage,
        problems: Problems,
    ) -> None:
        self._repository, self._checkpoint = repository, checkpoint
        self._ancestry, self._problems = ancestry, problems
        self._label = f"{checkpoint.name} ({checkpoint.id.short})"

    def _bad(self, code: str, text: str) -> None:
        self._problems.add(self._problems.bad, code, f"{self._label}: {text}")

    def retired(self) -> Settings:
        """Note that the files of the checkpoint were retired."""
        text = f"{self._label}: not held against its files, which were retired"
        self._problems.add(self._problems.warnings, "retired", text)
        return {}

    def is_of_unknown_task(self) -> bool:
        """Return whether the rules of its task are unknown; if so, note it."""
        task = self._checkpoint.body.get("task", USUAL_TASK)
        if find_rules(task) is not None:
            return False
        self.lost(UNKNOWN_TASK, f"nothing here knows the task {quote(task, 40)}")
        return True

    def lost(self, code: str, text: str) -> None:
        """Note that the checkpoint could not be checked."""
        self._problems.add(self._problems.lost, code, f"{self._label}: {text}")

    def compare_settings(self) -> Settings:
        """Compare the body with the settings in the tree; return these."""
        run = self._run()
        tried = () if run is None else [one["format"] for one in run.body.get("candidates", ())]
        words = formats_by_name(tried).get("tfidf", FORMAT_IDS["tfidf"])
        wanted = stated_settings(self._checkpoint.body, words)
        found: dict[str, Mapping[str, JSON]] = {}
        try:
            entries = self._repository.tree(self._checkpoint).by_path if wanted else {}
        except LyrikstoreError as error:
            self._problems.note(f"{self._label}: tree", error)
            return found
        for path, members in wanted.items():
            if path not in entries or entries[path].bytes > MAX_SETTINGS:
                self._bad("other-settings", f"its {path} is missing, or too long")
                continue
            try:
                data = self._repository.blobs.read(entries[path].blake3, max_bytes=MAX_SETTINGS)
            except LyrikstoreError as error:
                self._problems.note(f"{self._label}: {path}", error)
                continue
            try:
                document = parse(data, max_bytes=MAX_SETTINGS, floats=True)
            except FormatError as error:
                self._bad("other-settings", f"{path}: {quote(error.message, 200)}")
                continue
            said = document if isinstance(document, dict) else {}
            found[path] = said
            for name, value in members.items():
                # ATTACK A92: each row of the weights gets the meaning of another.
                if type(said.get(name)) is not type(value) or said.get(name) != value:
                    self._bad("other-settings", f"its {name} is not that of its {path}")
        return found

    def compare_external(self) -> None:
        """Check that an external model has neither weights nor a run."""
        is_external = self._checkpoint.body["origin"] == EXTERNAL
        if is_external != (self._checkpoint.body.get("format") == EXTERNAL_FORMAT):
            self._bad("other-settings", "its format and its origin exclude each other")
        if not is_external:
            return
        try:
            files = self._repository.tree(self._checkpoint).by_path
        except LyrikstoreError as error:
            self._problems.note(f"{self._label}: tree", error)
            return
        if files:
            # ATTACK A133: weights whose origin nobody has to say would be called elsewhere.
            self._bad("other-settings", "it has files, but states that its weights are elsewhere")

    def compare_unlike(self) -> None:
        """Compare its member on unlike texts with its format and its attachments."""
        attached = len(self._checkpoint.attachments_in(UNLIKE))
        if fault := unlike_fault(self._checkpoint.body, attached):
            self._bad("other-decision", f"of unlike texts: {fault}")

    def compare_choice(self) -> None:
        """Compare ``chosen`` with the run and the body, in the parts that need no scores."""
        run = self._run()
        if "chosen" in self._checkpoint.body and run is not None:
            for fault in find_choice_faults(self._checkpoint.body, run.body):
                self._bad("other-choice", fault)
        if run is not None and "folds" in run.body and self._checkpoint.body.get("final"):
            # ATTACK A157: nothing is said of a choice that was announced, or nothing kept of what
            # it follows from, so that nothing of it can be wrong.
            if "chosen" not in self._checkpoint.body:
                self._bad("other-choice", "it does not state the choice that its run announced")
            if VALIDATION not in self._checkpoint.body and has_to_keep(
                self._checkpoint.body, run.body
            ):
                self._bad("other-validation", "it lacks the scores of the comparison by folds")
        if run is not None and (fault := refit_fault(self._checkpoint.body, run.body)):
            self._bad("other-choice", fault)
        decision = self._checkpoint.body.get("decision")
        if decision is not None and run is not None:
            # ATTACK A138: a limit that suits somebody is called the one declared before training.
            said = decision.get("abstainBelow") if decision.get("limitFrom") == "config" else ""
            if said != declared_limit(run.body):
                self._bad("other-decision", "its limit differs from the one that its run declares")

    def compare_validation(self, settings: Settings, read: ReadRecords | None) -> None:
        """Choose again from the kept validation, and compare."""
        body, run = self._checkpoint.body, self._run()
        found = self._read_validation()
        if found is None or run is None:
            return
        fault = kept_fault(found, body, run.body) or self._other_records(found, run, read)
        if fault:
            self._bad("other-validation", fault)
            return
        try:
            allowed = allowed_formats(run.body) or set(FORMAT_IDS.values())
            decided = found.decide(allowed, declared_limit(run.body))
        except FormatError as error:
            self._bad("bad-validation", quote(error.message, 200))
            return
        computed = decided.to_body()
        computed["chosen"] = computed_choice(computed["chosen"])
        for name, follows in computed.items():
            said = body.get(name, {})
            if name == "metrics":
                said = {each: said.get(each) for each in follows}
            if name == "chosen":
                said = computed_choice(said)
            # ATTACK A92, A157: answers are surer than validation lets them be; another is taken.
            if said != follows:
                code = "other-decision" if name == "decision" else "other-choice"
                self._bad(code, f"its {name} differs from the result of its validation")
        if fault := _blend_fault(decided, settings):
            self._bad("other-decision", fault)

    def _run(self) -> Manifest | None:
        named = self._checkpoint.inputs_in("run")
        return self._ancestry.get(named[0].id) if named else None

    def _read_validation(self) -> "ValidationScores | CrossValidation | None":
        from lyrikstore.verify.evaluation.choice.cross_validation import read_kept

        form = self._checkpoint.body[VALIDATION]["format"]
        try:
            attached = present_attachments(self._repository, self._checkpoint, VALIDATION)[0]
            with self._repository.blobs.open(attached.id) as stream:
                found = read_kept(form, stream)
        except FormatError as error:
            self._bad("bad-validation", quote(error.message, 200))
        except LyrikstoreError as error:
            self._problems.note(f"{self._label}: validation", error)
        else:
            if found is None:
                self.lost("newer-format", f"validation of format {form}")
            return found
        return None

    def _other_records(
        self,
        found: "ValidationScores | CrossValidation",
        run: Manifest,
        read: ReadRecords | None,
    ) -> str:
        """Return how the kept validation differs from the data, or an empty text."""
        from lyrikstore.verify.evaluation.choice.cross_validation import CrossValidation
        from lyrikstore.verify.evaluation.choice.folds import field_of_groups

        counts = {VALIDATION: len(found.expected)}
        if isinstance(found, CrossValidation):
            counts = {"train": found.pool.training, VALIDATION: found.pool.validation}
        data: list[Manifest] = []
        for role, count in counts.items():
            named = self._checkpoint.inputs_in(role)
            here = [self._ancestry[one.id] for one in named if one.id in self._ancestry]
            if len(here) < len(named):  # then `lineage` says so
                return ""
            if sum(one.body["records"] for one in here) != count:
                return f"its validation is not of as many records as its {role} data has"
            data += here
        config, grouped = run.body["config"], None
        if isinstance(found, CrossValidation):
            grouped = field_of_groups(config, [one.body for one in data])
            # ATTACK A156: groups that nobody says, so that who remembers one of them wins.
            if (grouped is None) != (found.pool.groups is None):
                return "its validation has other groups than its data"
        stated = config.get("data")
        field = stated.get("label") if isinstance(stated, dict) else None
        if read is None or not field:
            return ""
        fields = () if grouped is None else (grouped,)
        try:
            return record_fault(found, grouped, read(self._repository, data, field, fields))
        except LyrikstoreError as error:
            what = f"{self._label}: not compared with its validation data"
            self._problems.note_as(self._problems.warnings, "not-compared", what, error)
        return ""


def _blend_fault(decided: "CandidateChoice", settings: Settings) -> str:
    """Return how the settings of a blend differ from those fitted by validation, or empty text."""
    said, fitted = settings.get(_BLEND), decided.taken.fitted
    if said is None:
        return ""
    follows = [fitted.weight, list(fitted.temperatures)]
    if [said.get("weight"), said.get("temperatures")] != follows:
        return "its blend is not that which its validation fits"
    return ""
