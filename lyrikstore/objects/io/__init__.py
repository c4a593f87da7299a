"""Files on the local disk: scratch files, safe folders, unbuffered reads, the stat cache."""
