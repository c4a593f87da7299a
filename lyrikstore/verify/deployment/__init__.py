"""The checks of a deployed folder (spec §14.7)."""
