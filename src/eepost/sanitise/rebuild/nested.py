# SPDX-License-Identifier: Apache-2.0
"""Messages inside a message, reports about messages, and what only stands for one."""

import re

from eepost.mail.message import Bounds, Part, split_message
from eepost.mail.parameters import write_parameters
from eepost.mail.reply import Reply
from eepost.mail.violation import PeerViolation
from eepost.sanitise.parts import part_name
from eepost.sanitise.rebuild.built import Built, Refusal
from eepost.sanitise.rebuild.rebuilder import Rebuilder
from eepost.sanitise.rebuild.texts import text
from eepost.sanitise.records import rebuild_delivery_status, rebuild_receipt

# Messages that stand encoded in each other, and the depth of each. Forwarded mail is not encoded at
# all (RFC 2046 5.2.1); what some programs attach is so once.
MAX_ENCODINGS = 4
_DEPTH_WHEN_ENCODED = 10
_LINE_END = re.compile(rb"\r\n|\r|\n")
_PARTIAL = Reply(554, "5.6.1", "A piece of a message can't be cleaned; send the whole one")
_EXTERNAL = Reply(554, "5.6.1", "A part refers to a file elsewhere")


def message_inside(rebuilder: Rebuilder, part: Part) -> Built:
    """Return a nested message made anew by the same rules."""
    if part.children:
        (root,) = part.children
        inside = rebuilder.inside()
    else:
        message = _LINE_END.sub(b"\r\n", rebuilder.content(part))
        root = _split_inside(rebuilder, message)
        inside = rebuilder.inside(message)
    header = rebuilder.around.nested_header(root)
    body = inside.build_root(root)
    fields = write_parameters(b"Content-Type", "message/rfc822")
    if name := part_name(part):
        fields += write_parameters(b"Content-Disposition", "attachment", [("filename", name)])
    head = header + b"MIME-Version: 1.0\r\n" + body.fields + b"\r\n"
    rebuilder.tally.add("nested message made anew")
    return Built(fields, [head, *body.pieces])


def _split_inside(rebuilder: Rebuilder, message: bytes) -> Part:
    """Return the tree of a decoded message, within what the whole message may still cost."""
    if rebuilder.encodings == MAX_ENCODINGS:
        raise PeerViolation("messages encoded in each other too often")
    allowance = rebuilder.allowance
    root = split_message(message, Bounds(depth=_DEPTH_WHEN_ENCODED, parts=allowance.parts))
    allowance.parts -= sum(1 for _ in root.walk())
    return root


def fragment(rebuilder: Rebuilder, part: Part) -> Built:
    """Refuse to send a piece of a message; one inside a message is shown as what it is."""
    if part.start == 0:
        raise Refusal(_PARTIAL)
    return message_inside(rebuilder, part)


def elsewhere(rebuilder: Rebuilder, _part: Part) -> None:
    """Refuse what refers to a file elsewhere; in a message inside, leave it out."""
    if not rebuilder.is_nested:
        raise Refusal(_EXTERNAL)
    rebuilder.tally.add("reference to a file elsewhere dropped")


def delivery_status(rebuilder: Rebuilder, part: Part) -> Built | None:
    """Return what a report tells a person."""
    content = rebuilder.content(part)
    octets = rebuild_delivery_status(content, rebuilder.around.domain)
    if octets is None:
        return text(rebuilder, part)  # words instead of fields, as some servers write
    rebuilder.tally.add("delivery report made anew")
    return Built(write_parameters(b"Content-Type", "message/delivery-status"), [octets])


def header_of_another(rebuilder: Rebuilder, part: Part) -> Built:
    """Return text/rfc822-headers by the rules of a header."""
    content = rebuilder.content(part)
    root = split_message(content.rstrip(b"\r\n") + b"\r\n")
    header = rebuilder.around.nested_header(root)
    return Built(write_parameters(b"Content-Type", "text/rfc822-headers"), [header])


def receipt(rebuilder: Rebuilder, part: Part) -> Built | None:
    """Return nothing, since a receipt tells that mail was read; by choice what it tells alone."""
    kept = None
    if rebuilder.around.choices.keeps_receipts:
        kept = rebuild_receipt(rebuilder.content(part), rebuilder.around.domain)
    if kept is None:
        rebuilder.tally.add("receipt dropped")
        return None
    rebuilder.tally.add("receipt made anew")
    return Built(write_parameters(b"Content-Type", "message/disposition-notification"), [kept])


def nothing(rebuilder: Rebuilder, _part: Part) -> None:
    """Drop a part that holds nothing but what a system notes for itself."""
    rebuilder.tally.add("system part dropped")
