"""Lines for the terminal that several commands print: screen, progress, results.

* screen: results go to standard output, messages and progress to standard error;
* line: one printed line, with control characters of foreign text escaped;
* hint: the next step after a message, usually a command to type;
* meter: the line of progress on a terminal.

Example:
    >>> from lyrikstore_cli.output.screen import size
    >>> size(19_293_798)
    '18.4 MiB'
"""
