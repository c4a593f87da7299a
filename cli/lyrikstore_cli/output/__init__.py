"""What the terminal shows: screen, reports, progress."""
