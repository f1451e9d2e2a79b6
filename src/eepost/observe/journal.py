# SPDX-License-Identifier: Apache-2.0
"""Writes log lines: an event name, counters and opaque ids, as one JSON object a line.

A line never holds an address, a subject, a header value, a destination, a password or an octet of
a message, at any level. That is why `fault` writes where an exception came from and of what type
it was, and never its text: the text may quote what a user sent.
"""

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TextIO

import structlog

# Frames from the innermost; enough to find the place, bounded against deep recursion.
MAX_FRAMES = 12

Value = int | float | bool | None


class Journal:
    """The one writer of log lines; give it to whoever has something to tell."""

    def __init__(self, stream: TextIO | None = None, now: Callable[[], str] | None = None) -> None:
        """Write to `stream` (standard error by default).

        `now` gives the text of a time stamp; None leaves time to the supervisor's own log, which
        keeps the exact instant of a user's action out of a second place.
        """
        stamp = [_Stamp(now)] if now else []
        self._log = structlog.wrap_logger(
            structlog.PrintLogger(stream or sys.stderr),
            processors=[*stamp, structlog.processors.JSONRenderer(sort_keys=False)],
            wrapper_class=structlog.BoundLogger,
        )

    def event(self, name: str, **counters: Value) -> None:
        """Write that `name`, a constant of the code, happened."""
        self._log.info(name, **counters)

    def notice(self, name: str, text: str) -> None:
        """Write `name` with a constant sentence for the operator."""
        self._log.info(name, text=text)

    def fault(self, where: str, error: BaseException) -> None:
        """Write type and origin of an unexpected exception, without its text."""
        self._log.error("fault", where=where, type=_type_names(error), origin=_origin(error))

    def reported_fault(self, where: str, kind: str, places: Sequence[tuple[str, int]]) -> None:
        """Write the same of an exception in another process: file names and lines of ours."""
        origin = [f"{name}:{line}" for name, line in places]
        self._log.error("fault", where=where, type=kind, origin=origin)


def _type_names(error: BaseException) -> str:
    cause = error.__cause__ or error.__context__
    own = type(error).__name__
    return f"{own} from {type(cause).__name__}" if cause else own


def _origin(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]


class _Stamp:
    def __init__(self, now: Callable[[], str]) -> None:
        self._now = now

    def __call__(
        self, _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        return {"time": self._now(), **event}
