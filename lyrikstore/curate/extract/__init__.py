"""From a document to its text: formats, worker processes, chunks."""
