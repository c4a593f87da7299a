"""Checks of runs, checkpoints and approvals against other signed manifests (spec §11.7)."""
