"""Where the segments of a run begin, kept so that some can be done again (spec §13.14.1)."""
