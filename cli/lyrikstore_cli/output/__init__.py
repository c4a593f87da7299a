"""Lines for the terminal that several commands print: screen, progress, results."""
