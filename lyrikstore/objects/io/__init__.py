"""Files on the local disk: scratch files, safe folders, unbuffered reads, the stat cache.

* scratch file: an unfinished file; it is renamed when complete, or removed;
* private folder: a folder of mode 0700 for work in progress, locked by its processes;
* safe folder: a folder opened without following links;
* stat cache: digests of files by device, inode, size and time stamps.
"""
