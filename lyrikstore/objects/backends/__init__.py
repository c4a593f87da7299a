"""Storage backends: a local folder, object storage, SFTP, HTTP (spec/15-remotes.md).

* backend: a flat space of named files with seven operations, such as ``create`` and ``list``;
* exclusive create: of many writers of one name exactly one wins;
* swap: a small file is replaced only if its content is the expected one;
* remote: a backend on another machine, with retries and time limits;
* abilities: the operations that a server really supports, found by a test file.

Example:
    >>> from lyrikstore.objects.backends.urls import RemoteUrl
    >>> str(RemoteUrl.parse("s3://corpus/legal/"))
    's3://corpus/legal'
"""
