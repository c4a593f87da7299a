"""The task ``text-classification``: each record has exactly one of several labels."""

from typing import ClassVar

from lyrikstore.train.tasks.labelling import LabellingTask


class Classification(LabellingTask):
    """Each record has exactly one of several labels."""

    name: ClassVar[str] = "text-classification"


TASK = Classification()
