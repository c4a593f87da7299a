"""Check-out: writing a version to a folder, in parallel, never outside that folder.

* destination: the new or empty folder that receives the files;
* link: never followed; no file outside the destination can be touched;
* batch: files that one worker writes together, so that each block is unpacked once;
* undo: after an error, the files and folders written so far are removed.
"""
