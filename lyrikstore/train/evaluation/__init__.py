"""What a checkpoint does on data: on a locked test set, and on what came after it."""
