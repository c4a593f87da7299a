"""Outside time for a log without a server: requests, what comes back, and witnesses (spec §7.10).

Imports ``verify`` and what lies below it.
"""
