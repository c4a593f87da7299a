"""What can be trained and asked: one module a format, behind one protocol."""
