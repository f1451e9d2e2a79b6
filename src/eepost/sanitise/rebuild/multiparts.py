# SPDX-License-Identifier: Apache-2.0
"""Multiparts that hold what may be changed: children made anew, in a wrapper made anew."""

from collections.abc import Sequence

from eepost.mail.message import Part
from eepost.sanitise.choices import Html
from eepost.sanitise.parts import root_first
from eepost.sanitise.rebuild.built import Built, built_multipart
from eepost.sanitise.rebuild.rebuilder import Rebuilder

_REPORTS = frozenset(("delivery-status", "disposition-notification"))
_SUBTYPES = {each: each for each in ("multipart/alternative", "multipart/related")}


def multipart(rebuilder: Rebuilder, part: Part) -> Built | None:
    """Return a multipart; its only child where one is left, None for none."""
    kind = part.content_type.value
    children: Sequence[Part] = part.children
    if kind == "multipart/related":
        children = root_first(part)
    elif kind == "multipart/alternative":
        children = _alternatives(rebuilder, part.children)
    built = [made for child in children if (made := rebuilder.build(child)) is not None]
    if not built:
        return None
    if len(built) == 1:
        rebuilder.tally.add("wrapper of one part removed")
        return built[0]
    report = part.content_type.get("report-type").lower()
    if kind == "multipart/report" and report in _REPORTS:
        return built_multipart(kind, [("report-type", report)], rebuilder.boundary(), built)
    kind = _SUBTYPES.get(kind, "multipart/mixed")
    return built_multipart(kind, (), rebuilder.boundary(), built)


def _alternatives(rebuilder: Rebuilder, children: tuple[Part, ...]) -> tuple[Part, ...]:
    plain = tuple(child for child in children if child.content_type.value == "text/plain")
    return plain if plain and rebuilder.around.choices.html is Html.PLAIN_TEXT else children
