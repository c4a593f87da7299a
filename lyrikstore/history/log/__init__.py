"""The append-only log: entries, tiles, signed log checkpoints, proofs (spec/07-log.md)."""
