# SPDX-License-Identifier: Apache-2.0
"""Unwraps format=flowed text (RFC 3676): one line for each paragraph, quotes kept."""

_SIGNATURE = b"-- "


def unwrap_flowed(lines: list[bytes], *, deletes_space: bool) -> list[bytes]:
    """Return `lines` (ASCII or UTF-8, without line ends) with each paragraph on one line.

    `deletes_space` is the parameter delsp: the space that marks a soft break is no part of the
    text. Quote marks are written `> `, also where a program left the space out. Blanks may be left
    at the ends of lines. Linear.
    """
    if not _MARKS.isdisjoint([line[:1] for line in lines]) or _SIGNATURE in lines:
        return _unwrapped(lines, deletes_space=deletes_space)
    # Nothing is quoted or stuffed: a soft break is just a blank.
    text = b"".join([line if line[-1:] == b" " else line + b"\n" for line in lines])
    if deletes_space:
        text = b"\n".join([*lines, b""]).replace(b" \n", b"")
    return text.removesuffix(b"\n").split(b"\n")


# What may stand at the beginning of a line instead of text: quotes and stuffing.
_MARKS = frozenset((b">", b" "))


def _unwrapped(lines: list[bytes], *, deletes_space: bool) -> list[bytes]:
    unwrapped: list[bytes] = []
    paragraph: list[bytes] = []
    depth = -1  # quote depth of the open paragraph, -1: none is open
    for line in lines:
        if depth < 0 and line[-1:] != b" " and (line[:1] not in _MARKS or line[:2] == b"> "):
            unwrapped.append(line)
            continue
        text = line.lstrip(b">")
        line_depth = len(line) - len(text)
        text = text.removeprefix(b" ")  # space-stuffing, RFC 3676 4.4
        is_soft = text.endswith(b" ") and text != _SIGNATURE
        if depth >= 0 and (line_depth != depth or text == _SIGNATURE):
            unwrapped.append(_quoted(depth, paragraph))  # RFC 3676 4.5: improperly flowed
            paragraph.clear()
        depth = line_depth
        paragraph.append(text[:-1] if is_soft and deletes_space else text)
        if not is_soft:
            unwrapped.append(_quoted(depth, paragraph))
            paragraph.clear()
            depth = -1
    if depth >= 0:
        unwrapped.append(_quoted(depth, paragraph))
    return unwrapped


def _quoted(depth: int, paragraph: list[bytes]) -> bytes:
    text = b"".join(paragraph)
    return b">" * depth + b" " + text if depth else text
