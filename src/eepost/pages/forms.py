# SPDX-License-Identifier: Apache-2.0
"""Reads what browsers send with a request: the query and forms, with files where a page takes any.

Trust: anybody who can reach the port. Everything stays in memory: what somebody attaches to a
letter must not lie readable in a temporary file.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from starlette.datastructures import QueryParams, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from eepost.pages.visits import MAX_FIELDS, FormBounds, Upload

MAX_QUERY_OCTETS = 1_024
# A form over a slow route; a peer that sends an octet a minute would otherwise keep its place.
FORM_SECONDS = 120.0

_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
# Control characters, and what stands for octets that are not UTF-8.
_NOT_TEXT = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")


@dataclass(frozen=True, slots=True, repr=False)
class Form:
    """What a form brought."""

    fields: dict[str, str]
    files: tuple[Upload, ...] = ()


def read_query(request: Request) -> Mapping[str, str]:
    """Return the fields of the query; none where they are not what a page of ours asks for."""
    text = request.url.query
    return _fields(text, MAX_FIELDS) or {} if len(text) <= MAX_QUERY_OCTETS else {}


async def read_form(request: Request, bounds: FormBounds) -> Form | None:
    """Return what a form brought, None for anything that no page of ours sends."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        async with asyncio.timeout(FORM_SECONDS):
            if kind == _MULTIPART and bounds.files:
                return await _multipart(request, bounds)
            if kind == _URLENCODED:
                return await _urlencoded(request, bounds)
    except (TimeoutError, UnicodeDecodeError, MultiPartException, _TooLargeError):
        pass  # one answer for all of it: no browser of a user's sends such a form
    return None


class _TooLargeError(Exception):
    """More octets than the page takes."""


async def _bounded(request: Request, bounds: FormBounds) -> AsyncIterator[bytes]:
    octets = 0
    async for chunk in request.stream():
        octets += len(chunk)
        if octets > bounds.octets:
            raise _TooLargeError
        yield chunk


async def _urlencoded(request: Request, bounds: FormBounds) -> Form | None:
    body = b"".join([chunk async for chunk in _bounded(request, bounds)])
    fields = _fields(body.decode("ascii"), bounds.fields)
    return None if fields is None else Form(fields)


async def _multipart(request: Request, bounds: FormBounds) -> Form | None:
    parser = MultiPartParser(
        request.headers,
        _bounded(request, bounds),  # type: ignore[arg-type] # it only iterates
        max_files=bounds.files,
        max_fields=bounds.fields,
        max_part_size=bounds.octets,
    )
    parser.spool_max_size = bounds.octets + 1  # never on disk
    fields: dict[str, str] = {}
    files: list[Upload] = []
    pairs = (await parser.parse()).multi_items()
    for name, value in pairs:
        if isinstance(value, UploadFile):
            if value.filename:  # a field for files in which none was chosen
                files.append(Upload(name, value.filename, await value.read()))
            await value.close()
        else:
            fields[name] = value
    texts = len(pairs) - sum(isinstance(value, UploadFile) for _, value in pairs)
    is_sound = len(fields) == texts and _are_text(fields)
    return Form(fields, tuple(files)) if is_sound else None


def _fields(text: str, most: int) -> dict[str, str] | None:
    """Return fields by name; None where one stands twice, or what it holds is not text."""
    if text.count("&") >= most:
        return None
    pairs = QueryParams(text).multi_items()
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) and _are_text(fields) else None


def _are_text(fields: Mapping[str, str]) -> bool:
    return not any(_NOT_TEXT.search(each) for each in fields.values())
