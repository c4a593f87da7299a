"""``text-classification``: of several labels a record has exactly one."""

from typing import ClassVar


class Classification:
    """Of several labels a record has exactly one."""

    name: ClassVar[str] = "text-classification"


TASK = Classification()
