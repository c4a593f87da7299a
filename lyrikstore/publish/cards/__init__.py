"""Model cards: facts from signed objects, answers, rendering (spec §14.4)."""
