# SPDX-License-Identifier: Apache-2.0
"""One request as a page sees it, and what a page answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eepost.accounts.model import Account
from eepost.services.portal.desk import Desk
from eepost.services.portal.sessions import Session


@dataclass(frozen=True, slots=True, repr=False)
class Visit:
    """A request whose ticket, size and session were looked at already."""

    desk: Desk
    path: str
    number: bytes  # the browser's
    session: Session | None
    peer: bytes | None  # the bucket for limits, None where it is not known
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def account(self) -> Account:
        """Whose visit it is; only on pages for members."""
        assert self.session is not None  # noqa: S101 - the router let nobody else in
        return self.session.account


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: a template and what stands in it."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Moved:
    """Go to another page of ours (303), after something was done."""

    path: str
    notice: str = ""
    # The browser gets this number from here on: signing in and out must not keep the old one.
    number: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """A file."""

    octets: bytes = field(repr=False)
    media_type: str
    file_name: str = ""


class Wrong(Exception):  # noqa: N818 - an outcome of a form, not a fault
    """A form can't be acted on: a sentence for each field ("" for the whole form)."""

    def __init__(self, problems: Mapping[str, str] | str) -> None:
        super().__init__("wrong input")
        self.problems = {"": problems} if isinstance(problems, str) else dict(problems)


Answer = Shown | Moved | Sent
Show = Callable[[Visit], Awaitable[Answer]]
Act = Callable[[Visit], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Page:
    """A path, what it shows and what its form does. A star in it stands for one step of any name.

    A form that is Wrong is shown again with what was typed (but passwords) and why.
    """

    path: str
    show: Show
    act: Act | None = None
    is_for_members: bool = True
    # Fields that are never sent back.
    secrets: frozenset[str] = frozenset()
