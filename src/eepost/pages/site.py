# SPDX-License-Identifier: Apache-2.0
"""A site as an ASGI application: what holds for every page is done here, once.

Body size, cookies, sessions, tickets, headers and faults are nobody else's concern, so that no
page can forget them.

Trust: anybody who can reach the port.
"""

import asyncio
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, Protocol, TypeVar

from jinja2 import ChoiceLoader, Environment, PackageLoader
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from eepost.observe.journal import Journal
from eepost.pages.forms import read_form, read_query
from eepost.pages.headers import HEADERS
from eepost.pages.sessions import VISIT_OCTETS, Session
from eepost.pages.tickets import Tickets, Verdict
from eepost.pages.visits import Answer, Moved, Page, Sent, Shown, Visit, VisitT, Wrong

WelcomedT_co = TypeVar("WelcomedT_co", bound=Visit, covariant=True)

TICKET: Final = "ticket"
MAX_PATH_CHARACTERS = 400
MISDIRECTED: Final = 421  # RFC 9110 15.5.20


@dataclass(slots=True)
class Counts:
    """What a site has done; numbers only."""

    shown: int = 0
    done: int = 0
    refused: int = 0
    faults: int = 0


@dataclass(frozen=True, slots=True)
class Rooms:
    """What a site stands on."""

    name: str  # of the part of eepost that it is, for the journal
    package: str  # with its templates in it
    cookie: str  # its name: browsers keep one jar for all ports of a host
    tickets: Tickets
    counts: Counts
    randomness: Callable[[int], bytes]
    journal: Journal
    # Names and ports under which browsers may ask for it, None: any. A site on the user's own
    # machine must not answer a page that pointed a name of its own there (DNS rebinding).
    hosts: Set[str] | None = None
    # Faults that are an outcome of the store, answered like others and not written down.
    foreseen: tuple[type[Exception], ...] = ()


class Host(Protocol[WelcomedT_co]):
    """What differs from site to site."""

    async def welcome(self, visit: Visit, client: tuple[str, int] | None) -> WelcomedT_co:
        """Return the visit with its session and what the site adds."""

    def session(self, number: bytes) -> Session | None:
        """Return the session of a browser."""

    def values(self, session: Session | None) -> Mapping[str, Any]:
        """Return what every page shows."""


class Site(Generic[VisitT]):
    """Satisfies ASGI."""

    def __init__(self, rooms: Rooms, host: Host[VisitT], pages: Iterable[Page[VisitT]]) -> None:
        self._rooms = rooms
        self._host = host
        self._pages = {page.path: page for page in pages}
        self._patterns = [
            (re.compile(r"[a-z0-9.-]+".join(map(re.escape, path.split("*")))), page)
            for path, page in self._pages.items()
            if "*" in path
        ]
        self._templates = Environment(
            loader=ChoiceLoader([PackageLoader(rooms.package), PackageLoader("eepost.pages")]),
            autoescape=True,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        # `_` marks what it returns as safe HTML: templates may give it constants of theirs only.
        self._templates.install_null_translations(newstyle=True)  # type: ignore[attr-defined]

    @property
    def pages(self) -> Sequence[Page[VisitT]]:
        """All pages, for who wants to walk them."""
        return tuple(self._pages.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        number, is_new = self._number(request)
        page = self._page(request.url.path)
        try:
            answer = await self._answer(request, number, page)
        except (ClientDisconnect, asyncio.CancelledError):
            raise
        except Exception as error:
            # What a page did not foresee costs this request an honest answer, nobody else's.
            self._rooms.counts.faults += 1
            if not isinstance(error, self._rooms.foreseen):
                self._rooms.journal.fault(self._rooms.name, error)
            answer = Shown("fault.html", status=503)
        response = self._response(answer, request, number)
        chosen = answer.number if isinstance(answer, Moved) else None
        if chosen is not None or (is_new and (page is None or page.gives_number)):
            self._set_cookie(response, chosen or number)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    # From a request to an answer.

    async def _answer(self, request: Request, number: bytes, page: Page[VisitT] | None) -> Answer:
        hosts = self._rooms.hosts
        if hosts is not None and request.headers.get("host", "") not in hosts:
            return Shown("elsewhere.html", status=MISDIRECTED)
        if page is None:
            return Shown("missing.html", status=404)
        client = request.client
        visit = await self._host.welcome(
            Visit(request.url.path, number, None, read_query(request)),
            None if client is None else (client.host, client.port),
        )
        if page.is_for_members and visit.session is None:
            return Moved("/sign-in")
        if request.method in {"GET", "HEAD"}:
            self._rooms.counts.shown += 1
            return await page.show(visit)
        if request.method != "POST" or page.act is None:
            return Shown("missing.html", status=405)
        return await self._act(request, page, visit)

    def _page(self, path: str) -> Page[VisitT] | None:
        page = self._pages.get(path)
        if page is not None or len(path) > MAX_PATH_CHARACTERS:
            return page
        return next((each for pattern, each in self._patterns if pattern.fullmatch(path)), None)

    async def _act(self, request: Request, page: Page[VisitT], visit: VisitT) -> Answer:
        form = await read_form(request, page.bounds)
        if form is None:
            return Shown("malformed.html", status=400)
        refusal = self._look_at_ticket(request, form.fields.pop(TICKET, ""), visit)
        if refusal is not None:
            return refusal
        assert page.act is not None  # noqa: S101 - the caller looked
        try:
            answer = await page.act(replace(visit, form=form.fields, files=form.files))
        except Wrong as wrong:
            self._rooms.counts.refused += 1
            typed = {name: text for name, text in form.fields.items() if name not in page.secrets}
            return _with(await page.show(visit), {"typed": typed, "problems": wrong.problems})
        self._rooms.counts.done += 1
        return answer

    def _look_at_ticket(self, request: Request, ticket: str, visit: Visit) -> Answer | None:
        if not _is_own(request.headers):
            return Shown("foreign.html", status=403)
        match self._rooms.tickets.take(ticket, visit.number, visit.path):
            case Verdict.GOOD:
                return None
            case Verdict.USED:
                return Shown("twice.html", status=409)
            case Verdict.WRONG:
                return Shown("foreign.html", status=403)

    # From an answer to a response.

    def _response(self, answer: Answer, request: Request, number: bytes) -> Response:
        match answer:
            case Moved():
                session = self._host.session(answer.number or number)
                if session is not None and answer.notice:
                    session.notice = answer.notice
                return RedirectResponse(answer.path, 303)
            case Sent():
                return _file(answer)
            case Shown():
                # Under a foreign name nobody is known, whatever cookie came.
                return self._shown(answer, request, b"" if answer.status == MISDIRECTED else number)

    def _shown(self, answer: Shown, request: Request, number: bytes) -> Response:
        session = self._host.session(number)
        notice = ""
        if session is not None:
            notice, session.notice = session.notice, ""
        path = request.url.path
        text = self._templates.get_template(answer.template).render(
            {
                **self._host.values(session),
                "notice": notice,
                "path": path,
                "typed": {},
                "problems": {},
                "ticket": lambda to=path: self._rooms.tickets.make(number, to),
                **answer.values,
            }
        )
        return Response(text, answer.status, answer.headers, media_type="text/html")

    # Cookies.

    def _number(self, request: Request) -> tuple[bytes, bool]:
        """Return the browser's number, and whether it is a new one."""
        try:
            number = urlsafe_b64decode(request.cookies.get(self._rooms.cookie, "") + "=")
        except (NotBase64, ValueError):
            number = b""
        if len(number) == VISIT_OCTETS:
            return number, False
        return self._rooms.randomness(VISIT_OCTETS), True

    def _set_cookie(self, response: Response, number: bytes) -> None:
        # Not Secure: over I2P the browser speaks plain HTTP to a router on its own machine.
        value = urlsafe_b64encode(number).decode("ascii").rstrip("=")
        response.set_cookie(self._rooms.cookie, value, path="/", httponly=True, samesite="strict")


def _with(answer: Answer, values: Mapping[str, Any]) -> Answer:
    if not isinstance(answer, Shown):
        return answer
    return Shown(answer.template, {**answer.values, **values}, 422, answer.headers)


def _file(answer: Sent) -> Response:
    headers = dict(answer.headers)
    if answer.file_name:
        headers["Content-Disposition"] = attached(answer.file_name)
    return Response(answer.octets, media_type=answer.media_type, headers=headers)


def attached(file_name: str) -> str:
    """Return a Content-Disposition for keeping a file under any name (RFC 6266)."""
    plain = "".join(each if each in _IN_QUOTES else "_" for each in file_name)
    if plain == file_name:
        return f'attachment; filename="{plain}"'
    octets = file_name.encode("utf-8", "replace")
    written = "".join(chr(each) if chr(each) in _UNQUOTED else f"%{each:02X}" for each in octets)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{written}"


_UNQUOTED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_")
_IN_QUOTES: Final = _UNQUOTED | frozenset(" !#$&'()+,;=@[]^`{}~")


def _is_own(headers: Headers) -> bool:
    """Say whether the form came from a page of ours, as far as the browser tells."""
    origin = headers.get("origin")
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    # "null" comes with no-referrer policies from some browsers; the ticket decides then.
    return origin in {None, "null"} or origin.partition("://")[2] == headers.get("host")
