"""What a model wrote, and the figures that follow from it (spec §13.12.8)."""
