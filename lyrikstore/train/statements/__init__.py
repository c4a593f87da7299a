"""What a run says before it begins, and of what it made (spec §13.2)."""
