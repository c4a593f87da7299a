"""The command line: alone reads the environment, prints and knows about terminals."""
