"""Files of rows on their way into a version: unpacked, checked line by line, measured."""
