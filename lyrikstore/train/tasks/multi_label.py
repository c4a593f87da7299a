"""``multi-label``: a record has any number of labels."""

from typing import ClassVar


class MultiLabelTask:
    """A record has any number of labels."""

    name: ClassVar[str] = "multi-label"


TASK = MultiLabelTask()
