"""The figures of labels that were given: what is measured, and how sure that is (spec §13.9)."""
