"""Formats of what other programs trained: kept and handed on, never loaded (spec §13.13.4)."""

TRANSFORMERS, PEFT, FILES = "transformers/1", "peft/1", "files/1"

FOREIGN = (TRANSFORMERS, PEFT, FILES)
