"""Evaluations, computed again: every figure about answers follows from the answers (spec §13.9)."""
