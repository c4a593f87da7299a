"""Audit files (spec/22-audit-files.md): what is in them, how they are verified, what they answer.

Imports ``verify`` and what lies below it.
"""
