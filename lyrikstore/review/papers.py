"""The files in a reviewer's folder."""

from lyrikstore.web.pages.review import review_page

QUEUE_FILE, MANIFEST_FILE, REQUEST_FILE = "queue.json", "manifest.json", "request.json"
PAGE_FILE, README_FILE = "review.html", "README.txt"


def folder_files(folder: bytes, queue: bytes, request: bytes) -> dict[str, bytes]:
    """Return name → content of the files of a reviewer's folder.

    Args:
        folder: ``queue.json``.
        queue: The manifest of the queue.
        request: The manifest of the request.
    """
    return {
        QUEUE_FILE: folder,
        MANIFEST_FILE: queue,
        REQUEST_FILE: request,
        PAGE_FILE: review_page(folder, queue, request),
        README_FILE: _README.encode(),
    }


_README = """\
You are asked to review records.

Open review.html in a browser: nothing is installed, nothing is sent.
Sign what you decided in the page; or save your decisions beside it and run
    lyrikstore review sign . -o decisions.signed.json
Send the signed file back to whoever gave you this folder.
"""
