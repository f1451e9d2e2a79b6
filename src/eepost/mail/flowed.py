# SPDX-License-Identifier: Apache-2.0
"""Unwraps format=flowed text (RFC 3676): one line for each paragraph, quotes kept."""

import re

_QUOTED = re.compile(r"(>*)(.*)", re.DOTALL)


def unwrap_flowed(lines: list[str], *, deletes_space: bool) -> list[str]:
    """Return `lines` with each paragraph on one line.

    `deletes_space` is the parameter delsp: the space that marks a soft break is no part of the
    text. Quote marks are written `> `, also where a program left the space out.
    """
    unwrapped: list[str] = []
    paragraph = ""
    depth = -1  # quote depth of the open paragraph, -1: none is open
    for line in lines:
        if depth < 0 and not line.startswith((" ", ">")) and not line.endswith(" "):
            unwrapped.append(line)  # nearly all lines; the rest of the loop takes ten times as long
            continue
        line_depth, text = _unquote(line)
        is_signature = text == "-- "
        if depth >= 0 and (line_depth != depth or is_signature):
            unwrapped.append(_quote(depth, paragraph))  # RFC 3676 4.5: improperly flowed
            depth, paragraph = -1, ""
        paragraph += text
        depth = line_depth
        if text.endswith(" ") and not is_signature:
            paragraph = paragraph[:-1] if deletes_space else paragraph
        else:
            unwrapped.append(_quote(depth, paragraph))
            depth, paragraph = -1, ""
    if depth >= 0:
        unwrapped.append(_quote(depth, paragraph))
    return unwrapped


def _unquote(line: str) -> tuple[int, str]:
    found = _QUOTED.fullmatch(line)
    marks, text = found.groups() if found else ("", line)
    return len(marks), text.removeprefix(" ")  # space-stuffing, RFC 3676 4.4


def _quote(depth: int, text: str) -> str:
    return f"{'>' * depth} {text}" if depth else text
