"""Request and rights check of an external training run (spec §13.13).

The check is the same as for `lyrikstore train` itself: all sources of the inputs must permit the
purpose, and so must the data behind the base model and behind models that generated inputs.
Otherwise nothing is copied or logged.
"""

from collections.abc import Callable, Collection
from typing import Any

from msgspec import Struct, field

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.text import unknown_word
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.vocabulary import (
    PERMISSIONS,
    PURPOSES,
    check_words,
    territory_of,
)
from lyrikstore.governance.decide import DecidedUse, decided_and_held
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.train.formats.formats import FOREIGN
from lyrikstore.train.permitted import permitted, same_bytes, still_permitted
from lyrikstore.train.requirements import UseConfig, stated
from lyrikstore.verify.rights.judge import Reason
from lyrikstore.verify.rights.required import Rights
from lyrikstore.verify.rules.uses import train_use

_PREFIX = "checkpoints/"
_MAX_COMMAND_BYTES = 1 << 16


class ExternalRun(Struct, frozen=True):
    """Request for a run by an external trainer: its inputs, output and use.

    Attributes:
        inputs: REFs of the training datasets, in the order of the placeholders.
        output: Name of the checkpoint; ``checkpoints/`` may be left out.
        base: REF of the base model; empty: none.
        test: REF of the test set of the model; it is named and never copied.
        format: The required format of the result; empty: any format.
        purpose: The purpose that the data is used for.
        use: Further uses, users and places.
    """

    inputs: tuple[str, ...]
    output: str
    base: str = ""
    test: str = ""
    format: str = ""
    purpose: str = "train"
    use: UseConfig = field(default_factory=UseConfig)

    @property
    def name(self) -> str:
        """Full name of the checkpoint."""
        return self.output if self.output.startswith(_PREFIX) else _PREFIX + self.output

    @property
    def run_name(self) -> str:
        """Full name of the run: the name of the checkpoint, under ``runs/``."""
        return "runs/" + self.name.removeprefix(_PREFIX)

    def to_json(self) -> dict[str, Any]:
        """Return the member ``config`` of the run's body."""
        inputs = self.inputs
        data: dict[str, Any] = {"train": inputs[0] if len(inputs) == 1 else list(inputs)}
        if self.test:
            data["test"] = self.test
        document: dict[str, Any] = {"purpose": self.purpose, "name": self.name, "data": data}
        if self.base:
            document["model"] = {"base": self.base}
        if self.format:
            document["format"] = self.format
        use = stated(self.use)
        return document | ({"use": use} if use else {})


class ExternalPlan(Struct, frozen=True):
    """A request with its inputs and rights resolved, before the run starts.

    Attributes:
        request: The request, its territory as country codes.
        inputs: The training datasets.
        base: The base model; None: none.
        test: The test set, which is only named; None: none.
        rights: The use rights that the run relies on.
        warnings: Warnings that do not stop the run.
        still: Raises if a right is no longer valid, or rules no longer permit it; called when the
            run is announced.
        decided: What the rules in force answer; None: the namespace of the run has no rules.
    """

    request: ExternalRun
    inputs: tuple[Manifest, ...]
    base: Manifest | None
    test: Manifest | None
    rights: Rights
    warnings: tuple[Reason, ...]
    still: Callable[[], None]
    decided: DecidedUse | None = None

    @property
    def run_inputs(self) -> list[Input]:
        """The inputs of the run's manifest."""
        found = [Input("train", "dataset", one.id) for one in self.inputs]
        found += [Input("test", "dataset", self.test.id)] if self.test else []
        return found + ([Input("base", "checkpoint", self.base.id)] if self.base else [])

    def checkpoint_inputs(self, run: Manifest) -> list[Input]:
        """Return the inputs of the checkpoint's manifest."""
        filters = dict.fromkeys(one.id for data in self.inputs for one in data.inputs_in("filter"))
        return [
            Input("run", "run", run.id),
            *([Input("base", "checkpoint", self.base.id)] if self.base else []),
            *(Input("train", "dataset", one.id) for one in self.inputs),
            *(Input("filter", "filter", identity) for identity in filters),
        ]


def plan_external(context: StoreContext, request: ExternalRun) -> ExternalPlan:
    """Return the inputs of a run, if it is permitted; writes nothing.

    Args:
        context: The store with its permissions, and the user.
        request: The request.

    Raises:
        PolicyError: (``rights-missing``) a source may not be used for the purpose; else as
            :func:`lyrikstore.train.permitted.permitted`.
        InvalidInputError: (``bad-name``, ``bad-format``, ``unknown-word``, ``not-a-dataset``,
            ``not-a-model``, ``same-data``) the request is not valid.
        NotFoundError: An input is not in this store.
    """
    request, repo = _checked(request), context.repository
    inputs = tuple(_resolve(repo, ref, "dataset") for ref in request.inputs)
    base = _resolve(repo, request.base, "checkpoint") if request.base else None
    test = _resolve(repo, request.test, "dataset") if request.test else None
    for number, one in enumerate(inputs):
        if one.id in {*(two.id for two in inputs[:number]), test.id if test else None}:
            raise InvalidInputError(
                "same-data",
                f"{one.name} is named twice: a model cannot be measured on its training data",
                hint="name the parts of a split",
            )
    wanted = {"purpose": request.purpose, "config": request.to_json()}
    measured = [test] if test else []
    rights = permitted(context, inputs, base, measured, wanted)
    decided, still = decided_and_held(
        context,
        train_use(repo, request.run_name, (one.id for one in inputs), base, wanted),
        still_permitted(context, rights, inputs, base, measured, wanted),
    )
    used = [*inputs, *([base] if base else [])]
    warnings = tuple(same_bytes(repo, rights, used))
    return ExternalPlan(request, inputs, base, test, rights, warnings, still, decided)


def check_command(command: Collection[str]) -> None:
    """Raise `bad-command` unless a command can be signed with a run.

    Raises:
        InvalidInputError: (``bad-command``) it is empty, too long or not text.
    """
    size = sum(len(part.encode("utf-8", "surrogateescape")) for part in command)
    if not command or not next(iter(command)):
        reason, hint = "the command is missing", "write it after --: -- python train.py"
    elif size > _MAX_COMMAND_BYTES or len(command) > 1000:
        reason, hint = "the command is too long to be signed", "put it into a script"
    elif any("\0" in part or not _is_text(part) for part in command):
        reason, hint = "the command is not UTF-8 text", "put it into a script"
    else:
        return
    raise InvalidInputError("bad-command", reason, hint=hint)


def _is_text(part: str) -> bool:
    try:
        part.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _checked(request: ExternalRun) -> ExternalRun:
    if not request.inputs:
        raise InvalidInputError(
            "bad-config", "the input is missing", hint="name a dataset: --input REF"
        )
    try:
        Name.parse(request.name)
    except FormatError as error:
        hint = error.hint or "a name is NAMESPACE/NAME"
        raise InvalidInputError("bad-name", error.message, hint=hint) from None
    if request.format and request.format not in FOREIGN:
        raise unknown_word("bad-format", "format:", request.format, FOREIGN)
    check_words("permission", (request.purpose, *request.use.also), PERMISSIONS)
    check_words("purpose", request.use.purposes, PURPOSES)
    use = request.use
    territory = territory_of(use.territory)
    return ExternalRun(
        request.inputs,
        request.output,
        request.base,
        request.test,
        request.format,
        request.purpose,
        UseConfig(use.also, territory, use.seats, use.purposes),
    )


def _resolve(repo: Repository, ref: str, kind: str) -> Manifest:
    found = repo.resolve(ref)
    if found.kind != kind:
        code = "not-a-dataset" if kind == "dataset" else "not-a-model"
        raise InvalidInputError(
            code, f"{ref} is a {found.kind}, not a {kind}", hint="lyrikstore log lists the names"
        )
    return found
