"""The tasks of models that give labels, by their names (spec §13.1)."""

from lyrikstore.verify.evaluation.choice.classification import TextClassification
from lyrikstore.verify.evaluation.choice.multi_label import MultiLabel
from lyrikstore.verify.evaluation.choice.task import AnswerRule, Task

TASKS: dict[str, Task] = {one.NAME: one for one in (TextClassification(), MultiLabel())}
"""Name → task."""

__all__ = ["TASKS", "AnswerRule", "MultiLabel", "Task", "TextClassification"]
