"""Floor 11: the command line. Alone reads the environment, prints and knows about terminals."""
