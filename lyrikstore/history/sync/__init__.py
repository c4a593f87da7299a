"""Clone, pull, push and repair between a store and its remotes (spec/15-remotes.md)."""
