"""The signed history of a store: trees, manifests, log, refs, policies, commit, sync, gc.

Trees name files, manifests state how things came to be, the log orders them, refs and lineage
are derived from it. Imports ``objects``, ``crypto`` and ``canon``.
"""
