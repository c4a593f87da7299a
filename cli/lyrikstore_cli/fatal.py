"""Messages for fatal conditions; imports little, for memory may be exhausted."""

INTERRUPTED = "interrupted; nothing half-made is visible, run the same command again"
OUT_OF_MEMORY = "error: out of memory\nhint: free some, or raise the limit, and run it again"


def unmapped(error: Exception) -> bool:
    """Return whether a library could not be loaded for want of memory."""
    words = str(error)
    missing = "failed to map" in words or "allocate memory" in words
    return isinstance(error, ImportError) and missing
