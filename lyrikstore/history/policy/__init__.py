"""Who may sign what in a store, and how that changes (spec §8.3)."""
