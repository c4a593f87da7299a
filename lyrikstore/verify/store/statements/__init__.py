"""What runs, checkpoints and approvals say, held against what is signed beside it (spec §11.7)."""
