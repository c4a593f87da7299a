"""One module per command or group of commands; each defines ``command``.

* module: has the name of its command; a trailing underscore avoids a Python keyword;
* group: a folder of commands such as ``key`` or ``w3c``;
* docstring: the help text; its first line is the summary in ``lyrikstore --help``.
"""
