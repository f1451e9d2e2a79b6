# SPDX-License-Identifier: Apache-2.0
"""The arguments of MAIL, RCPT and BDAT: a value, or the reply that says what is wrong.

Trust: at submission a logged-in user's mail program sends this, at an exchanger any server; BDAT
may come from anybody.
"""

import re
from typing import Final

from eepost.mail.address import Address, parse_address, strip_source_route
from eepost.mail.envelope import Recipient, ReversePath
from eepost.mail.reply import Reply
from eepost.wire.smtp import replies
from eepost.wire.smtp.parameters import MailParameters, RcptParameters, read_parameters
from eepost.wire.smtp.service import Service

# A path in angle brackets; a quoted local part may hold a bracket. Possessive: no backtracking.
_PATH: Final = r"\ *<((?:\"(?:[^\"\\]|\\.)*+\"|[^\">])*+)>(?:\ (.*))?"
_FROM: Final = re.compile("FROM:" + _PATH, re.IGNORECASE)
_TO: Final = re.compile("TO:" + _PATH, re.IGNORECASE)
_BDAT: Final = re.compile(r"([0-9]{1,20})(?: +(LAST))?", re.IGNORECASE | re.ASCII)


def parse_mail(argument: str, limit_octets: int, service: Service) -> ReversePath | Reply:
    """Return what MAIL says (RFC 5321 4.1.1.2), or why not; SIZE may not exceed the limit."""
    match = _FROM.fullmatch(argument)
    if match is None:
        return replies.MAIL_SYNTAX
    path, parameters = match[1], MailParameters()
    if match[2]:
        refusal = read_parameters(match[2], service.mail_parameters, parameters)
        if refusal:
            return refusal
    address = parse_address(strip_source_route(path))
    if address is None and path:
        return replies.BAD_REVERSE_PATH
    if address and not (address.is_ascii or parameters.is_utf8):
        return replies.NEEDS_SMTPUTF8
    if (parameters.size_octets or 0) > limit_octets:
        return replies.TOO_LARGE
    return ReversePath(
        address,
        parameters.size_octets,
        parameters.is_utf8,
        parameters.returns,
        parameters.envelope_id,
    )


def parse_rcpt(argument: str, is_utf8: bool, service: Service) -> Recipient | Reply:
    """Return what RCPT says (RFC 5321 4.1.1.3), or why not."""
    match = _TO.fullmatch(argument)
    if match is None:
        return replies.RCPT_SYNTAX
    parameters = RcptParameters()
    if match[2]:
        refusal = read_parameters(match[2], service.rcpt_parameters, parameters)
        if refusal:
            return refusal
    address = _forward_path(strip_source_route(match[1]))
    if address is None:
        return replies.BAD_FORWARD_PATH
    if not (address.is_ascii or is_utf8):
        return replies.NEEDS_SMTPUTF8
    return Recipient(address, parameters.notify)


def _forward_path(path: str) -> Address | None:
    # RFC 5321 4.5.1: postmaster needs no domain, in any case of its letters.
    return Address("postmaster", "") if path.lower() == "postmaster" else parse_address(path)


def parse_bdat(argument: str) -> tuple[int, bool] | None:
    """Return how many octets follow and whether they are the last ones (RFC 3030 2), or None."""
    match = _BDAT.fullmatch(argument)
    return (int(match[1]), match[2] is not None) if match else None
