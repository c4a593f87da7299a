"""What a model is trained for: one module a task, behind one protocol (spec §13.1)."""

from lyrikstore.train.tasks.classification import TextClassification
from lyrikstore.train.tasks.multi_label import MultiLabel
from lyrikstore.train.tasks.task import AnswerRule, Task

TASKS: dict[str, Task] = {one.NAME: one for one in (TextClassification(), MultiLabel())}
"""Name → task."""

__all__ = ["TASKS", "AnswerRule", "MultiLabel", "Task", "TextClassification"]
