"""The pages of one object each: an HTML file made of facts, and of nothing else.

* page: a function of facts, which are JSON, and of the name of the tool; equal facts give equal
  bytes.

Example:
    >>> from lyrikstore.web.pages.report import report_page
    >>> callable(report_page)
    True
"""
