"""The W3C VC API over HTTP, of `lyrikstore w3c serve` (docs/serve.md).

* **service**: the signer, and all inputs of verification.
* **issuer instance**: the endpoints below ``/issuers/SUITE``, one for each cryptosuite.
* **gate**: the checks of a request before any endpoint: host and length.
* **problem**: an error answer by RFC 9457.
* **status lists**: lists in memory, which are lost when the process ends.

Example:
    >>> from lyrikstore.w3c.vc_api.responses import problem
    >>> problem(404, "about:blank", "no such list")["title"]
    'Not Found'
"""
