"""``text-classification``: of several labels a record has exactly one."""

from typing import ClassVar

from lyrikstore.train.tasks.labelling import LabellingTask


class Classification(LabellingTask):
    """Of several labels a record has exactly one."""

    name: ClassVar[str] = "text-classification"


TASK = Classification()
