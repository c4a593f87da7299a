"""The VC API over HTTP: issue, verify, present, resolve (docs/serve.md).

For programs on the same machine. It signs for every program that can reach it, so web pages must
not reach it: the name in ``Host`` is checked against DNS rebinding; only ``application/json`` is
read, which a page cannot send without a preflight request; and preflight requests get no answer (no
CORS).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import parse
from lyrikstore.canon.limits import MAX_JSON_BYTES, MAX_PRESENTED
from lyrikstore.canon.timestamps import Clock
from lyrikstore.credentials.did import (
    KEY_FORMAT,
    DocumentSource,
    Resolver,
    documents_among,
)
from lyrikstore.credentials.did.dereferencing import DID_PARAMETERS, dereference
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_entry import PURPOSES
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.verify.checks import PROCEDURES
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.report import CheckState, Report, Verdict, decide, passed
from lyrikstore.w3c.problems import MODEL, SECURITY, problem_type
from lyrikstore.w3c.profile.presentation import judge_presentation
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.profile.verify import Surroundings, judge_credential
from lyrikstore.w3c.proofs.proof_set import SUITES
from lyrikstore.w3c.values import items_of
from lyrikstore.w3c.vc_api.issue import StatusLists, VcApiIssuer
from lyrikstore.w3c.vc_api.limits import DrainBody, Gate
from lyrikstore.w3c.vc_api.responses import HEADERS, json_answer, problem, problem_answer

READ_SECONDS = 10.0
"""Time limit for the arrival of a request's body."""

_CHECK_FOR = {"credentialStatus": "status", "credentialSchema": "schema"}
_RESOLUTION_STATUS = {"notFound": 404, "methodNotSupported": 501, "featureNotSupported": 501}
DEREFERENCING = "application/did-url-dereferencing"
"""Media type of the answer of DID Resolution 1.0 to a DID URL."""


class Service(Struct, frozen=True):
    """The signer and the inputs of verification that the API uses.

    Attributes:
        issuer: The issuer; None for a verifier only.
        trust: The verifier's trust file; it decides the verdict, not the status code.
        resolver: Finds keys; never fetches.
        status_updates: The available status lists.
        resources: The available schemas and other resources.
        clock: The current time.
    """

    issuer: VcApiIssuer | None
    trust: Trust
    resolver: Resolver
    status_updates: StatusUpdates
    resources: Resources
    clock: Clock


def make_service(
    base: str,
    *,
    trust: Trust,
    files: Mapping[str, bytes],
    signer: Signer | None,
    clock: Clock,
) -> Service:
    """Return the service for a signer and the contents of files.

    Args:
        base: The URL of the API, without a slash at the end.
        trust: The verifier's trust file.
        files: Name or URL → schemas, status lists and DID documents that credentials name.
        signer: The signer; None for a verifier only.
        clock: The current time.
    """
    documents = documents_among(files.values(), source=DocumentSource.PINNED)
    resources = Resources(files)
    return Service(
        issuer=None if signer is None else VcApiIssuer(signer, StatusLists(base), resources),
        trust=trust,
        resolver=Resolver((*trust.known_documents(), *documents)),
        status_updates=StatusUpdates.among(map(OpenedCredential, files.values())),
        resources=resources,
        clock=clock,
    )


def make_app(service: Service, hosts: Sequence[str]) -> Starlette:
    """Return the ASGI application.

    Args:
        service: The signer and the inputs of verification.
        hosts: The names by which requests may address it (``Host``), without ports or brackets.
    """
    api = _Api(service)
    routes = [
        Route("/credentials/verify", api.post(api.verify), methods=["POST"]),
        Route("/presentations/verify", api.post(api.verify_presentation), methods=["POST"]),
        Route("/identifiers/{did:path}", api.resolve, methods=["GET"]),
    ]
    if service.issuer is not None:
        for suite in SUITES:
            at = f"/issuers/{suite}"
            routes += [
                Route(f"{at}/credentials/issue", api.post(api.issue(suite)), methods=["POST"]),
                Route(
                    f"{at}/revocable/credentials/issue",
                    api.post(api.issue(suite, revocable=True)),
                    methods=["POST"],
                ),
                Route(f"{at}/presentations/prove", api.post(api.prove(suite)), methods=["POST"]),
            ]
        routes += [
            Route("/credentials/status", api.post(api.set_status), methods=["POST"]),
            Route("/status/{purpose}", api.status_list, methods=["GET"]),
        ]
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(DrainBody),
            Middleware(Gate, hosts=hosts, max_bytes=MAX_JSON_BYTES),
            Middleware(RequestBodyLimitMiddleware, max_body_size=MAX_JSON_BYTES),
        ],
        exception_handlers={HTTPException: _http_problem, Exception: _internal},
    )


Body = dict[str, Any]
Work = Callable[[Body], tuple[int, Any]]


class _Api:
    def __init__(self, service: Service) -> None:
        self._service = service
        # Signatures and RDF take the processor for a while; one at a time, outside the loop.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lyrikstore-api")

    def post(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            _refuse_pages(request)
            try:
                data = await asyncio.wait_for(request.body(), READ_SECONDS)
            except TimeoutError:
                raise HTTPException(408, "the request took too long to arrive") from None
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            loop = asyncio.get_running_loop()
            status, body = await loop.run_in_executor(self._worker, _guarded, work, data)
            return json_answer(status, body)

        return answer

    def issue(self, suite: str, *, revocable: bool = False) -> Work:
        def work(body: Body) -> tuple[int, Any]:
            credential, options = _object(body, "credential"), _options(body)
            stated = options.get("statusPurpose", PURPOSES[0])
            purposes = items_of(stated) if revocable else []
            if revocable and not (purposes and all(one in PURPOSES for one in purposes)):
                raise FormatError(
                    "bad-status", "the status purpose is missing, or this server has no list of it"
                )
            replaced = options.get("replaceIssuer", False)
            if type(replaced) is not bool:
                raise FormatError("bad-credential", "replaceIssuer is neither true nor false")
            return 201, self._issuer().issue(
                credential, suite, self._service.clock(), purposes, replace_issuer=replaced
            )

        return work

    def prove(self, suite: str) -> Work:
        def work(body: Body) -> tuple[int, Any]:
            options = _options(body)
            presentation = _object(body, "presentation")
            return 201, self._issuer().prove(
                presentation,
                suite,
                self._service.clock(),
                challenge=_text(options, "challenge"),
                domain=_text(options, "domain"),
            )

        return work

    def verify(self, body: Body) -> tuple[int, Any]:
        credential = _object(body, "verifiableCredential")
        options = _options(body)
        if (other := _other_purpose(credential, options)) is not None:
            return 422, {"verified": False, "errors": [other], "problemDetails": [other]}
        asked = options.get("checks", [])
        if not isinstance(asked, list):
            raise FormatError("bad-credential", "checks is not a list")
        read = passed("format", "strict JSON")
        report = judge_credential(credential, self._surroundings([credential]), read)
        # A caller may ask for the proof alone. What is then left open is said, and what is found
        # to be wrong still is.
        skipped = {check for name, check in _CHECK_FOR.items() if asked and name not in asked}
        made = {check.id for check in report.checks}
        required = PROCEDURES["w3c"].required
        required = required if made.issuperset(required) else tuple(made)  # not of an envelope
        return _verdict(report, [check for check in required if check not in skipped])

    def verify_presentation(self, body: Body) -> tuple[int, Any]:
        presentation = _object(body, "verifiablePresentation")
        options = _options(body)
        inner = items_of(presentation.get("verifiableCredential", []))
        report = judge_presentation(
            presentation,
            self._surroundings([item for item in inner[:MAX_PRESENTED] if isinstance(item, dict)]),
            passed("format", "strict JSON"),
            challenge=_text(options, "challenge"),
            domain=_text(options, "domain"),
        )
        return _verdict(report, [check.id for check in report.checks])

    def set_status(self, body: Body) -> tuple[int, Any]:
        entry = _object(body, "credentialStatus")
        purpose, value = entry.get("statusPurpose"), body.get("status", True)
        if purpose not in PURPOSES or type(value) is not bool:
            raise FormatError(
                "bad-status",
                "the status purpose has no list here, or the status is neither true nor false",
            )
        self._issuer().lists.set(_text(body, "credentialId") or "", purpose, value)
        return 200, {}

    async def status_list(self, request: Request) -> Response:
        purpose = request.path_params["purpose"]
        if purpose not in PURPOSES:
            raise HTTPException(404, "no such list")
        loop = asyncio.get_running_loop()
        now = self._service.clock()
        data = await loop.run_in_executor(self._worker, self._issuer().status_list, purpose, now)
        return Response(data, media_type=_media(request, "application/vc"), headers=HEADERS)

    async def resolve(self, request: Request) -> Response:
        named, options = request.path_params["did"], dict(request.query_params)
        resolver = self._service.resolver
        asked = DEREFERENCING in request.headers.get("accept", "")
        if not asked and DID_PARAMETERS.isdisjoint(options) and not any(c in named for c in "/?#"):
            result = resolver.resolve(named, options.get("publicKeyFormat", KEY_FORMAT))
            kind = _media(request, "application/did-resolution")
            return json_answer(_resolved(result.error), result.to_json(), kind)
        found = dereference(resolver, named, options)
        body = found.to_json() if asked else found.as_resolution()
        return json_answer(
            _resolved(found.error), body, DEREFERENCING if asked else "application/json"
        )

    def _issuer(self) -> VcApiIssuer:
        if self._service.issuer is None:
            raise HTTPException(404, "this is a verifier only")
        return self._service.issuer

    def _surroundings(self, credentials: list[dict[str, Any]]) -> Surroundings:
        service = self._service
        now = service.clock()
        status_updates = service.status_updates
        if service.issuer is not None:
            own = [d for c in credentials for d in service.issuer.lists_for(c, now)]
            if own:
                lists = {
                    **status_updates.lists,
                    **StatusUpdates.among(map(OpenedCredential, own)).lists,
                }
                status_updates = replace(status_updates, lists=lists)
        return Surroundings(
            trust=service.trust,
            at=now,
            resolver=service.resolver,
            status_updates=status_updates,
            resources=service.resources,
        )


def _resolved(error: str) -> int:
    return _RESOLUTION_STATUS.get(error, 400) if error else 200


def _media(request: Request, own: str) -> str:
    # The type that is right, unless it was not asked for and JSON was: common clients then give
    # their caller no document at all.
    accepted = request.headers.get("accept", own)
    return "application/json" if own not in accepted and "json" in accepted else own


def _refuse_pages(request: Request) -> None:
    # ATTACK: a web page posts a form to 127.0.0.1 and has something signed. Pages send Origin, and
    # cannot send this content type without asking first.
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "send application/json")
    if "origin" in request.headers:
        raise HTTPException(403, "not for web pages")


def _guarded(work: Work, data: bytes) -> tuple[int, Any]:
    try:
        body = parse(data, floats=True, nulls=True)
    except FormatError as error:
        return 400, problem(400, MODEL + "PARSING_ERROR", error.message)
    if not isinstance(body, dict):
        return 400, problem(400, MODEL + "PARSING_ERROR", "not a JSON object")
    try:
        return work(body)
    except LyrikstoreError as error:
        known = MODEL + "MALFORMED_VALUE_ERROR"
        url = known if isinstance(error, FormatError) else problem_type(error)
        return 400, problem(400, url, f"{error.kind}: {error.message}")


def _verdict(report: Report, required: Sequence[str]) -> tuple[int, Any]:
    verdict = decide(report.checks, required)
    good = verdict in {Verdict.TRUSTED, Verdict.VALID}
    wrong, doubtful, held, said = [], [], [], []
    for check in report.checks:
        line = f"{check.id}: {check.summary}"
        open_end = check.state is CheckState.UNCHECKED
        if check.state is CheckState.FAIL or (open_end and check.id in required):
            wrong.append({**_named(check.detail.get("problem")), "detail": line})
        elif open_end or check.state is CheckState.WARN:
            doubtful.append(line)
        elif check.state is CheckState.STATED:
            said.append(check.id)
        else:
            held.append(check.id)
    malformed = any(
        check.state is CheckState.FAIL and check.id in ("format", "model", "envelope")
        for check in report.checks
    )
    body = {
        "verified": good,
        "verdict": str(verdict),
        "checks": held,
        "stated": said,
        "warnings": doubtful,
        "errors": wrong,  # good: there are none
        "problemDetails": wrong,
        "report": report.to_json(),
    }
    return 200 if good else 400 if malformed else 422, body


def _other_purpose(credential: Body, options: Body) -> Body | None:
    # What a caller expects of the proofs themselves; they are verified afterwards.
    proofs = [proof for proof in items_of(credential.get("proof")) if isinstance(proof, dict)]
    for name, member, title in (
        ("expectedProofPurpose", "proofPurpose", "PROOF_VERIFICATION_ERROR"),
        ("challenge", "challenge", "INVALID_CHALLENGE_ERROR"),
        ("domain", "domain", "INVALID_DOMAIN_ERROR"),
    ):
        wanted = _text(options, name)
        if wanted is not None and any(wanted not in items_of(p.get(member)) for p in proofs):
            detail = f"a proof has another {member} than you expect"
            return {"type": SECURITY + title, "title": title, "detail": detail}
    return None


def _named(problem: Any) -> dict[str, Any]:
    if isinstance(problem, dict):
        return problem
    return {"type": "about:blank", "title": "NOT_VERIFIED"}


def _object(body: Body, name: str) -> dict[str, Any]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise FormatError("bad-credential", f"{name} is missing, or not an object")
    return value


def _options(body: Body) -> dict[str, Any]:
    options = body.get("options", {})
    if not isinstance(options, dict):
        raise FormatError("bad-credential", "options is not an object")
    return options


def _text(options: dict[str, Any], name: str) -> str | None:
    value = options.get(name)
    if value is not None and not isinstance(value, str):
        raise FormatError("bad-credential", f"{name} is not a string")
    return value


async def _http_problem(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return await _internal(_request, error)
    return problem_answer(error.status_code, str(error.detail), headers=error.headers)


async def _internal(_request: Request, _error: Exception) -> Response:
    return problem_answer(500, "internal error")
