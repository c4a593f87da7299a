"""Base generative models, and what is trained of them (spec §13.12)."""
