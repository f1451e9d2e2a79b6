# SPDX-License-Identifier: Apache-2.0
"""One request as a page sees it, and what a page answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from eepost.pages.sessions import Session

# The largest form without a file carries an OpenPGP key.
MAX_FORM_OCTETS = 131_072
MAX_FIELDS = 40


@dataclass(frozen=True, slots=True, repr=False)
class Upload:
    """A file that came with a form; its name is whatever the browser said."""

    field: str
    name: str
    octets: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Visit:
    """A request whose ticket, size and session were looked at already; sites add what they have."""

    path: str
    number: bytes  # the browser's
    session: Session | None
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A page: a template and what stands in it."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)  # instead of those of the same name


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
    file_name: str = ""  # with one, it is for keeping and not for showing
    headers: Mapping[str, str] = field(default_factory=dict)  # instead of those of the same name


class Wrong(Exception):  # noqa: N818 - an outcome of a form, not a fault
    """A form can't be acted on: a sentence for each field ("" for the whole form)."""

    def __init__(self, problems: Mapping[str, str] | str) -> None:
        super().__init__("wrong input")
        self.problems = {"": problems} if isinstance(problems, str) else dict(problems)


Answer = Shown | Moved | Sent
VisitT = TypeVar("VisitT", bound=Visit)
# A page that needs less than what a site has is a page of that site.
AskedT_contra = TypeVar("AskedT_contra", bound=Visit, contravariant=True)


@dataclass(frozen=True, slots=True)
class FormBounds:
    """What a form may bring."""

    octets: int = MAX_FORM_OCTETS
    fields: int = MAX_FIELDS
    files: int = 0


@dataclass(frozen=True)  # no slots: Python 3.11 can't make a generic alias of such a class
class Page(Generic[AskedT_contra]):
    """A path, what it shows and what its form does. A star in it stands for one step of any name.

    A form that is Wrong is shown again with what was typed (but passwords) and why.
    """

    path: str
    show: Callable[[AskedT_contra], Awaitable[Answer]]
    act: Callable[[AskedT_contra], Awaitable[Answer]] | None = None
    is_for_members: bool = True
    # Fields that are never sent back.
    secrets: frozenset[str] = frozenset()
    bounds: FormBounds = field(default_factory=FormBounds)
    # False where a browser may come without its cookie though it has one: it keeps it then.
    gives_number: bool = True
