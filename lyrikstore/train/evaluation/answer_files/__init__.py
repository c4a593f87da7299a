"""Answers that were computed elsewhere, and the models that gave them (spec §13.16)."""
