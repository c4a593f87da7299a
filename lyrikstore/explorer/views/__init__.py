"""The views of the explorer: one module for each place, each a function of explorer and query."""
