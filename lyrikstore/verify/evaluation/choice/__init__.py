"""Decisions by validation: how scores become answers, and which candidate is chosen (§13.2.2).

One implementation, for whoever trains and for whoever computes a choice again.
"""
