"""Scenarios that try to make a store lose, hide or spoil something; see ``robustness.py``."""
