"""Messages for fatal conditions; imports little, because memory may be exhausted."""

INTERRUPTED = "interrupted; nothing half-made is visible, run the same command again"
OUT_OF_MEMORY = "error: out of memory\nhint: free memory or raise the limit, then run it again"


def unmapped(error: Exception) -> bool:
    """Return whether an error is about a library that needed more memory to load."""
    words = str(error)
    missing = "failed to map" in words or "allocate memory" in words
    return isinstance(error, ImportError) and missing
