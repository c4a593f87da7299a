"""Texts of generative models, and the figures that follow from them (spec §13.12.8)."""
