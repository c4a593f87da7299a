"""Base models that write, and what is trained of them (spec §13.12)."""
