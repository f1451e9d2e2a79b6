# SPDX-License-Identifier: Apache-2.0
"""Which rule makes which part anew: the one table."""

from collections.abc import Mapping

from eepost.mail.message import Part, split_message
from eepost.sanitise.parts import kind_of
from eepost.sanitise.rebuild import attachments, multiparts, nested, signed, texts, tnef
from eepost.sanitise.rebuild.built import Built
from eepost.sanitise.rebuild.rebuilder import Rebuilder, Rule, Surroundings

_RULES: Mapping[str, Rule] = {
    "text/html": texts.html,
    **dict.fromkeys(texts.RECORD_TYPES, texts.record),
    "text/rfc822-headers": nested.header_of_another,
    "message/rfc822": nested.message_inside,
    "message/global": nested.message_inside,
    "message/news": nested.message_inside,
    "message/partial": nested.fragment,
    "message/external-body": nested.elsewhere,
    "message/delivery-status": nested.delivery_status,
    "message/global-delivery-status": nested.delivery_status,
    "message/disposition-notification": nested.receipt,
    "message/feedback-report": nested.nothing,
    "application/applefile": nested.nothing,
    "application/pkcs7-mime": signed.smime,
    "application/x-pkcs7-mime": signed.smime,
    "application/ms-tnef": tnef.tnef,
    "application/vnd.ms-tnef": tnef.tnef,
}


def rule_for(part: Part) -> Rule:
    """Return the rule for a part, by its type and by whether it holds others."""
    if part.children and part.main_type == "multipart":
        return _multipart_rule(part)
    kind = kind_of(part)
    # A multipart without a single delimiter is text that somebody described wrongly.
    other = texts.text if kind.startswith(("text/", "multipart/")) else attachments.file
    return _RULES.get(kind, other)


def _multipart_rule(part: Part) -> Rule:
    kind = part.content_type.value
    if kind == "multipart/signed":
        return signed.multipart_signed
    if kind == "multipart/encrypted" and len(part.children) >= 2:
        return signed.multipart_encrypted
    return multiparts.multipart


def rebuild_body(message: bytes | bytearray, around: Surroundings) -> Built:
    """Return the content fields and the body of `message`, made anew.

    Raises PeerViolation beyond the bounds and Refusal where it may not pass.
    """
    return Rebuilder(message, around, rule_for).build_root(split_message(message))
