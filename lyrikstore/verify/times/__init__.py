"""Outside time: dates that time stamp authorities and witnesses put on a log (spec §7.10).

Imports ``credentials``, ``history`` and what lies below them.
"""
