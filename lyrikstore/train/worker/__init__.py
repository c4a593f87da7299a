"""The child process that trains, scores and predicts, in a private folder, without the store."""
