"""``sft``: a record is a conversation, and the model writes its answers."""

from typing import ClassVar


class Generation:
    """A record is a conversation, and the model writes its answers."""

    name: ClassVar[str] = "sft"


TASK = Generation()
