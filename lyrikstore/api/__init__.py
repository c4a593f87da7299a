"""The facade that notebooks, services and the command line import."""
