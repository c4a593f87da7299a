"""The task ``multi-label``: a record has any number of labels."""

from typing import ClassVar

from lyrikstore.train.tasks.labelling import LabellingTask


class MultiLabelTask(LabellingTask):
    """A record has any number of labels."""

    name: ClassVar[str] = "multi-label"


TASK = MultiLabelTask()
