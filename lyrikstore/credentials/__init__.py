"""The documents that lyrikstore issues, DIDs, terms of use, and the verifier's own trust file.

``verify`` judges them. Imports ``history`` and what lies below it.
"""
