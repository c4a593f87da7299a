"""Running one function on many tasks: in worker processes here, or on a Dask cluster.

* target: the function that processes run, given by its name;
* task: the JSON request for one call of the target, with raw buffers;
* pool: worker processes here, or the workers of a Dask cluster;
* limited process: a process with limits of memory and time, which reads hostile files.

Example:
    >>> from lyrikstore.objects.parallel.processes import cores
    >>> 1 <= cores() <= 8
    True
"""
