"""A reviewer's folder as tasks of Label Studio, and its export as decisions (spec §26.11)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from msgspec import UNSET, Struct, ValidationError, convert

from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.canon.json import as_json, encode, parse
from lyrikstore.review.folder import OpenedFolder
from lyrikstore.verify.review.model import (
    MAX_FOLDER_BYTES,
    MAX_MILLISECONDS,
    Decided,
    DecisionFile,
    FolderItem,
    RecordDecision,
    ReviewerFolder,
)

TASKS_FILE, CONFIG_FILE, GUIDELINE_FILE = "tasks.json", "config.xml", "guideline.txt"

_VALUE, _INSTEAD, _REASON, _NOTE = "value", "instead", "reason", "note"
_WORDS: Final[tuple[Decided, ...]] = ("reject", "cannot-say")
_FEW: Final = 50
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Region(Struct):
    from_name: str
    value: dict[str, Any]


class _Annotation(Struct):
    result: list[_Region]
    was_cancelled: bool = False
    lead_time: float | None = None
    completed_by: int | dict[str, Any] | None = None


class _Task(Struct):
    data: dict[str, Any]
    annotations: list[_Annotation]


def label_studio_files(opened: OpenedFolder) -> dict[str, bytes]:
    """Return name → content of the files for a project in Label Studio.

    They are the tasks, the labelling config, and the guideline if there is one. In a blind queue
    no task has the candidate.

    Args:
        opened: The folder of a reviewer.

    Raises:
        FormatError: (``bad-questions``) a label or choice has a character that XML does not.

    Cost: O(n) in the bytes of the folder.
    """
    names = _fields(opened.folder)
    tasks = [_task(opened, item, names) for item in opened.folder.items]
    files = {
        TASKS_FILE: encode(as_json(tasks)) + b"\n",
        CONFIG_FILE: "".join(f"{line}\n" for line in _config(opened.folder, names)).encode(),
    }
    if opened.folder.guideline:
        files[GUIDELINE_FILE] = opened.folder.guideline.encode()
    return files


def is_label_studio(data: bytes) -> bool:
    """Return whether a file is a list of tasks, as Label Studio exports them."""
    return data[:64].lstrip().startswith(b"[")


def label_studio_decisions(opened: OpenedFolder, data: bytes) -> DecisionFile:
    """Return the decisions of an export, unsigned; whoever signs them vouches for all.

    Args:
        opened: The folder that the tasks were made of.
        data: The export in the format JSON.

    Raises:
        FormatError: (``bad-json``) not JSON, or too long; (``bad-decision-file``) not such an
            export, or an answer that was not asked for; (``several-annotations``) a task has
            several.
        InvalidInputError: (``other-queue``) a task of another queue or reviewer;
            (``unknown-item``) of a record that is not in the folder.
        VerificationError: (``other-text``) a task shows something else than the folder.

    Cost: O(n) time and memory in the bytes of the export.
    """
    made: dict[int, RecordDecision] = {}
    names, claimed = _fields(opened.folder), Counter[str]()
    items = {one.item: one for one in opened.folder.items}
    for task in _parsed(data):
        item = _item_of(opened, items, task.data, names)
        if len(task.annotations) > 1:
            raise FormatError(
                "several-annotations",
                f"the task of item {item.item} has {len(task.annotations)} annotations",
                hint="leave the one that the reviewer signs, and export again",
            )
        if item.item in made:
            raise _bad(item.item, "two tasks are about it")
        for one in task.annotations:
            made[item.item] = _decision(opened.folder, item, one)
            claimed[_claimed(one.completed_by)] += 1
    return DecisionFile(
        "lyrikstore-decisions/1",
        str(opened.queue.id),
        opened.folder.reviewer,
        tuple(made[number] for number in sorted(made)),
        annotators=dict(claimed),
    )


def _parsed(data: bytes) -> list[_Task]:
    try:
        document = parse(data, max_bytes=MAX_FOLDER_BYTES, floats=True, nulls=True)
        return convert(document, list[_Task])
    except ValidationError as error:
        raise FormatError(
            "bad-decision-file",
            f"not an export of Label Studio: {str(error)[:300]}",
            hint="export the project in the format JSON",
        ) from None


def _item_of(
    opened: OpenedFolder,
    items: Mapping[int, FolderItem],
    data: dict[str, Any],
    names: Sequence[str],
) -> FolderItem:
    """Return the item of a task.

    ATTACK A222: in Label Studio the text of a task is edited, so that the reviewer signs a label
    for another one. What a task shows has to be what the folder has.

    ATTACK A223: a task about a record that nobody asked the reviewer about is among the others.
    """
    number, queue = data.get("lyrikstore_item"), data.get("lyrikstore_queue")
    if type(number) is not int or not isinstance(queue, str):
        raise FormatError(
            "bad-decision-file",
            "a task does not say which record it is about",
            hint="make the tasks with: lyrikstore review export FOLDER -o DIR",
        )
    reviewer = data.get("lyrikstore_reviewer")
    if (queue, reviewer) != (str(opened.queue.id), opened.folder.reviewer):
        raise InvalidInputError(
            "other-queue",
            "a task is about another queue or reviewer",
            hint="name the folder that the tasks were made of: --queue FOLDER",
        )
    if number not in items:
        raise InvalidInputError("unknown-item", f"item {number} is not in the folder")
    if data != _data(opened, items[number], names):
        raise VerificationError(
            "other-text",
            f"the task of item {number} shows something else than the folder",
            hint="sign nothing; make the tasks again: lyrikstore review export FOLDER -o DIR",
        )
    return items[number]


def _decision(folder: ReviewerFolder, item: FolderItem, made: _Annotation) -> RecordDecision:
    milliseconds = round((made.lead_time or 0) * 1000)
    given: dict[str, tuple[str, ...]] = {}
    names = {
        _VALUE: "choices" if folder.questions.labels else "text",
        _INSTEAD: "choices",
        _REASON: "choices",
        _NOTE: "text",
        **{_question(at): "choices" for at in range(len(folder.questions.questions))},
    }
    for region in () if made.was_cancelled else made.result:
        if region.from_name not in names or region.from_name in given:
            raise _bad(item.item, f"it answers {region.from_name[:80]!r}, or answers it twice")
        texts = region.value.get(names[region.from_name])
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
            raise _bad(item.item, f"what it answers to {region.from_name} is no list of texts")
        given[region.from_name] = tuple(texts)
    value = tuple(sorted(set(given.get(_VALUE, ()))))
    decision = _word(item, made, value, given.get(_INSTEAD, ()))
    answers = {
        one.id: _single(item, given[_question(at)])
        for at, one in enumerate(folder.questions.questions)
        if given.get(_question(at))
    }
    return RecordDecision(
        item.item,
        decision,
        min(max(milliseconds, 0), MAX_MILLISECONDS),
        value=value if decision == "change" else UNSET,
        blind=value if folder.blind else UNSET,
        reason=_single(item, given[_REASON]) if given.get(_REASON) else UNSET,
        note="\n".join(given.get(_NOTE, ())) or UNSET,
        answers=answers or UNSET,
    )


def _word(
    item: FolderItem, made: _Annotation, value: tuple[str, ...], instead: tuple[str, ...]
) -> Decided:
    if made.was_cancelled:
        return "cannot-say"
    if instead:
        word = _single(item, instead)
        for one in _WORDS:
            if word == one:
                return one
        raise _bad(item.item, f"{word[:80]!r} is no decision")
    if not value and item.candidate:
        raise _bad(item.item, "it has no answer")
    return "accept" if value == tuple(sorted(item.candidate)) else "change"


def _single(item: FolderItem, texts: tuple[str, ...]) -> str:
    if len(texts) != 1:
        raise _bad(item.item, "several answers where one is asked for")
    return texts[0]


def _claimed(who: int | dict[str, Any] | None) -> str:
    """Return the name of an annotator, as the export claims it."""
    email = who.get("email") if isinstance(who, dict) else None
    if isinstance(email, str) and email:
        return email
    number = who.get("id") if isinstance(who, dict) else who
    return "unknown" if number is None else f"user {number}"


def _bad(item: int, what: str) -> FormatError:
    return FormatError("bad-decision-file", f"the task of item {item}: {what}")


def _task(opened: OpenedFolder, item: FolderItem, names: Sequence[str]) -> dict[str, Any]:
    task: dict[str, Any] = {"data": _data(opened, item, names)}
    questions = opened.folder.questions
    fits = set(item.candidate) <= set(questions.labels) or not questions.labels
    few = questions.several or len(item.candidate) == 1
    if item.candidate and fits and few and not opened.folder.blind:
        form, texts = ("choices", "choices") if questions.labels else ("textarea", "text")
        region = {
            "id": "candidate",
            "from_name": _VALUE,
            "to_name": _field(0),
            "type": form,
            "value": {texts: list(item.candidate)},
        }
        task["predictions"] = [{"model_version": item.by or "candidate", "result": [region]}]
    return task


def _data(opened: OpenedFolder, item: FolderItem, names: Sequence[str]) -> dict[str, Any]:
    """Return what a task shows; stripped fields and the reviewed one are in no folder."""
    said = [f"{at}: {', '.join(one)}" for at, one in enumerate(item.given, 1)]
    return {
        "lyrikstore_queue": str(opened.queue.id),
        "lyrikstore_reviewer": opened.folder.reviewer,
        "lyrikstore_item": item.item,
        **{_field(at): item.fields.get(name, "") for at, name in enumerate(names)},
        **({"given": "\n".join(said)} if opened.folder.round == "adjudication" else {}),
    }


def _fields(folder: ReviewerFolder) -> list[str]:
    """Return the names of fields, the text first; Label Studio wants all of them in each task."""
    names = {name for item in folder.items for name in item.fields}
    return sorted(names, key=lambda one: (one != folder.text, one)) or [""]


def _config(folder: ReviewerFolder, names: Sequence[str]) -> Iterator[str]:
    questions = folder.questions
    yield "<View>"
    for text in (questions.title, questions.asks):
        if text:
            yield f"  <Header value={_shown(text)}/>"
    for at, name in enumerate(names):
        if name:
            yield f'  <Header size="5" value={_shown(name)}/>'
        yield f'  <Text name="{_field(at)}" value="${_field(at)}"/>'
    if folder.round == "adjudication":
        yield '  <Header size="5" value="What the reviewers said"/>'
        yield '  <Text name="given" value="$given"/>'
    if questions.labels:
        yield from _choices(_VALUE, questions.labels, several=questions.several)
    else:
        yield _text(_VALUE)
    yield '  <Header size="5" value="Instead of a value"/>'
    yield from _choices(_INSTEAD, _WORDS)
    if questions.reasons:
        yield '  <Header size="5" value="Reason"/>'
        yield from _choices(_REASON, questions.reasons)
    for at, one in enumerate(questions.questions):
        yield f'  <Header size="5" value={_shown(one.asks)}/>'
        yield from _choices(_question(at), one.choices)
    yield '  <Header size="5" value="Note"/>'
    yield _text(_NOTE)
    yield "</View>"


def _choices(name: str, labels: Iterable[str], *, several: bool = False) -> Iterator[str]:
    labels = list(labels)
    layout = ' layout="select"' if len(labels) > _FEW else ""
    choice = "multiple" if several else "single"
    yield f'  <Choices name="{name}" toName="{_field(0)}" choice="{choice}"{layout}>'
    for one in labels:
        if _NOT_XML.search(one):
            raise FormatError(
                "bad-questions", f"the label {one!r} has a character that Label Studio cannot hold"
            )
        # An alias is what the export has: Label Studio puts data where a shown text has a $.
        alias = f" alias={_quoted(one)}" if "$" in one else ""
        yield f"    <Choice value={_shown(one)}{alias}/>"
    yield "  </Choices>"


def _text(name: str) -> str:
    limits = 'maxSubmissions="1" editable="true" rows="4"'
    return f'  <TextArea name="{name}" toName="{_field(0)}" {limits}/>'


def _shown(text: str) -> str:
    """Return a text as the value of an attribute; a dollar sign is written in its wide form."""
    return _quoted(_NOT_XML.sub("\ufffd", text).replace("$", "\uff04"))


def _quoted(text: str) -> str:
    return quoteattr(text, {'"': "&quot;"})


def _field(at: int) -> str:
    return f"field{at}"


def _question(at: int) -> str:
    return f"question{at}"
