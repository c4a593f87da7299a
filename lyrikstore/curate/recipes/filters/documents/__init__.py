"""Steps that bring documents in: their text, and chunks of it."""
