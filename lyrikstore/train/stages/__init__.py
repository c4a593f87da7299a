"""Further stages: what is made of checkpoints that were trained here (spec §13.15)."""
