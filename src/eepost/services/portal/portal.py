# SPDX-License-Identifier: Apache-2.0
"""The portal as an ASGI application: what holds for every page is done here, once.

Body size, cookies, sessions, tickets, headers and faults are nobody else's concern, so that no
page can forget them.

Trust: anybody who can reach the port.
"""

import asyncio
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from jinja2 import Environment, PackageLoader
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from eepost.accounts.ports import AccountChanged
from eepost.maildrop.ports import StoreUnavailable
from eepost.observe.journal import Journal
from eepost.services.portal.desk import Desk
from eepost.services.portal.sessions import VISIT_OCTETS, Session
from eepost.services.portal.tickets import Verdict
from eepost.services.portal.visits import Answer, Moved, Page, Sent, Shown, Visit, Wrong

COOKIE: Final = "visit"
TICKET: Final = "ticket"
# The largest form carries an OpenPGP key.
MAX_FORM_OCTETS = 131_072
MAX_FIELDS = 40
MAX_QUERY_OCTETS = 1_024
MAX_PATH_CHARACTERS = 400
# A form over a slow route; a peer that sends an octet a minute would otherwise keep its place.
FORM_SECONDS = 120.0

# Control characters, and what stands for octets that are not UTF-8.
_NOT_TEXT = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self';"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class Portal:
    """Satisfies ASGI. `bucket` says what limits count the far end of a stream under."""

    def __init__(
        self,
        desk: Desk,
        pages: Iterable[Page],
        journal: Journal,
        bucket: Callable[[object], bytes | None],
    ) -> None:
        self._desk = desk
        self._pages = {page.path: page for page in pages}
        self._patterns = [
            (re.compile(r"[a-z0-9.-]+".join(map(re.escape, path.split("*")))), page)
            for path, page in self._pages.items()
            if "*" in path
        ]
        self._journal = journal
        self._bucket = bucket
        self._templates = Environment(
            loader=PackageLoader("eepost.services.portal"),
            autoescape=True,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.install_null_translations(newstyle=True)  # type: ignore[attr-defined]

    @property
    def pages(self) -> Sequence[Page]:
        """All pages, for who wants to walk them."""
        return tuple(self._pages.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        number, is_new = _number(request, self._desk.randomness)
        try:
            answer = await self._answer(request, number)
        except (ClientDisconnect, asyncio.CancelledError):
            raise
        except Exception as error:
            # What a page did not foresee costs this request an honest answer, nobody else's.
            self._desk.counts.faults += 1
            if not isinstance(error, StoreUnavailable | AccountChanged):
                self._journal.fault("portal", error)
            answer = Shown("fault.html", status=503)
        response = self._response(answer, request, number)
        chosen = answer.number if isinstance(answer, Moved) else None
        if chosen is not None or is_new:
            _set_cookie(response, chosen or number)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    # From a request to an answer.

    async def _answer(self, request: Request, number: bytes) -> Answer:
        page = self._page(request.url.path)
        if page is None:
            return Shown("missing.html", status=404)
        session = await self._session(number)
        if page.is_for_members and session is None:
            return Moved("/sign-in")
        visit = Visit(
            self._desk, request.url.path, number, session, self._peer(request), _query(request)
        )
        if request.method in {"GET", "HEAD"}:
            self._desk.counts.shown += 1
            return await page.show(visit)
        if request.method != "POST" or page.act is None:
            return Shown("missing.html", status=405)
        return await self._act(request, page, visit)

    def _page(self, path: str) -> Page | None:
        page = self._pages.get(path)
        if page is not None or len(path) > MAX_PATH_CHARACTERS:
            return page
        return next((each for pattern, each in self._patterns if pattern.fullmatch(path)), None)

    async def _act(self, request: Request, page: Page, visit: Visit) -> Answer:
        form = await _form(request)
        if form is None:
            return Shown("malformed.html", status=400)
        refusal = self._look_at_ticket(request, form.pop(TICKET, ""), visit)
        if refusal is not None:
            return refusal
        assert page.act is not None  # noqa: S101 - the caller looked
        try:
            answer = await page.act(replace(visit, form=form))
        except Wrong as wrong:
            self._desk.counts.refused += 1
            typed = {name: text for name, text in form.items() if name not in page.secrets}
            return _with(await page.show(visit), {"typed": typed, "problems": wrong.problems})
        self._desk.counts.done += 1
        return answer

    def _look_at_ticket(self, request: Request, ticket: str, visit: Visit) -> Answer | None:
        if not _is_own(request.headers):
            return Shown("foreign.html", status=403)
        match self._desk.tickets.take(ticket, visit.number, visit.path):
            case Verdict.GOOD:
                return None
            case Verdict.USED:
                return Shown("twice.html", status=409)
            case Verdict.WRONG:
                return Shown("foreign.html", status=403)

    async def _session(self, number: bytes) -> Session | None:
        """Return the session if its login is still in force: changes elsewhere end it at once."""
        session = self._desk.sessions.find(number)
        if session is None:
            return None
        authenticator = self._desk.authenticator
        epoch = authenticator.epoch()
        if epoch != session.epoch:
            if not await authenticator.is_in_force(session.account):
                self._desk.sessions.end(number)
                return None
            name = session.account.name
            session.account = await self._desk.compute(lambda: self._desk.registry.find(name))
            session.epoch = epoch
        return session

    def _peer(self, request: Request) -> bytes | None:
        client = request.client
        return None if client is None else self._bucket((client.host, client.port))

    # From an answer to a response.

    def _response(self, answer: Answer, request: Request, number: bytes) -> Response:
        match answer:
            case Moved():
                session = self._desk.sessions.find(answer.number or number)
                if session is not None and answer.notice:
                    session.notice = answer.notice
                return RedirectResponse(answer.path, 303)
            case Sent():
                return _file(answer)
            case Shown():
                return self._shown(answer, request, number)

    def _shown(self, answer: Shown, request: Request, number: bytes) -> Response:
        session = self._desk.sessions.find(number)
        notice = ""
        if session is not None:
            notice, session.notice = session.notice, ""
        path = request.url.path
        text = self._templates.get_template(answer.template).render(
            {
                "office": self._desk.name,
                "member": session.account.name if session is not None else "",
                "notice": notice,
                "path": path,
                "typed": {},
                "problems": {},
                "ticket": lambda to=path: self._desk.tickets.make(number, to),
                **answer.values,
            }
        )
        return Response(text, answer.status, media_type="text/html")


def _with(answer: Answer, values: Mapping[str, Any]) -> Answer:
    if not isinstance(answer, Shown):
        return answer
    return Shown(answer.template, {**answer.values, **values}, 422)


def _file(answer: Sent) -> Response:
    headers = {}
    if answer.file_name:
        headers["Content-Disposition"] = f'attachment; filename="{answer.file_name}"'
    return Response(answer.octets, media_type=answer.media_type, headers=headers)


def _number(request: Request, randomness: Callable[[int], bytes]) -> tuple[bytes, bool]:
    """Return the browser's number, and whether it is a new one."""
    try:
        number = urlsafe_b64decode(request.cookies.get(COOKIE, "") + "=")
    except (NotBase64, ValueError):
        number = b""
    if len(number) == VISIT_OCTETS:
        return number, False
    return randomness(VISIT_OCTETS), True


def _set_cookie(response: Response, number: bytes) -> None:
    # Not Secure: over I2P the browser speaks plain HTTP to a router on its own machine.
    value = urlsafe_b64encode(number).decode("ascii").rstrip("=")
    response.set_cookie(COOKIE, value, path="/", httponly=True, samesite="strict")


def _is_own(headers: Headers) -> bool:
    """Say whether the form came from a page of ours, as far as the browser tells."""
    origin = headers.get("origin")
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    # "null" comes with no-referrer policies from some browsers; the ticket decides then.
    return origin in {None, "null"} or origin.partition("://")[2] == headers.get("host")


def _query(request: Request) -> Mapping[str, str]:
    text = request.url.query
    return _fields(text) or {} if len(text) <= MAX_QUERY_OCTETS else {}


async def _form(request: Request) -> dict[str, str] | None:
    """Return the fields of an urlencoded form, None for anything that no page of ours sends."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return None
    body = bytearray()
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_FORM_OCTETS:
                    return None
        return _fields(body.decode("ascii"))
    except (TimeoutError, UnicodeDecodeError):
        return None


def _fields(text: str) -> dict[str, str] | None:
    """Return fields by name; None where one stands twice, or what it holds is not text."""
    if text.count("&") >= MAX_FIELDS:
        return None
    pairs = QueryParams(text).multi_items()
    fields = dict(pairs)
    if len(fields) != len(pairs) or any(_NOT_TEXT.search(each) for each in fields.values()):
        return None
    return fields
