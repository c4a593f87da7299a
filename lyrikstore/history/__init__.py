"""Floor 3: what a store knows and in which order it came to know it.

Trees name files, manifests state how things came to be, the log orders them, refs and lineage
are derived from it. Imports the floors below only.
"""
