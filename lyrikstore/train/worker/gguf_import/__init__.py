"""Base models that come as one file of another format, converted to the folder that is loaded."""
