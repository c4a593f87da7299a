"""What differs between two versions: files and what is said of them, and row by row."""
