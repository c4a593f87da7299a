"""What validation decides: how scores become answers, and which candidate is taken (§13.2.2).

One implementation, for whoever trains and for whoever computes a choice again.
"""
