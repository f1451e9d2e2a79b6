# SPDX-License-Identifier: Apache-2.0
"""Whether something signed tells more than it must: nobody but its author could change it.

It is made anew for a look, by the same rules as all that is not signed. Where these would change
anything but the shape of text, it tells.
"""

from collections.abc import Iterator
from dataclasses import replace

from eepost.mail.message import Part
from eepost.mail.parameters import parse_parameters
from eepost.mail.reply import Reply
from eepost.sanitise.armor import signatures_in
from eepost.sanitise.choices import Choices, OnFailure
from eepost.sanitise.openpgp.signatures import names_another
from eepost.sanitise.rebuild.built import Refusal
from eepost.sanitise.rebuild.rebuilder import Rebuilder
from eepost.sanitise.report import Tally

# What the parts of a message say of themselves, and what their whole says of itself once more in
# protected headers (RFC 9788).
_FIELDS = frozenset(
    b"content-type content-transfer-encoding content-disposition content-id mime-version "
    b"from to cc subject".split()
)
_PARAMETERS = frozenset(
    {
        *("charset", "format", "delsp", "boundary", "name", "filename", "protocol", "micalg"),
        *("smime-type", "method", "report-type", "type", "start", "protected-headers", "hp"),
    }
)
# For the look: nothing is refused that the sender chose to send.
_LENIENT = Choices(unclean=OnFailure.PASS, unknown=OnFailure.PASS, keeps_receipts=True)
# Changes of shape, and what is counted without a change.
_HARMLESS = frozenset(("wrapper of one part removed", "unknown file passed as it is"))


def signed_part(rebuilder: Rebuilder, part: Part, signature: bytes, *, is_openpgp: bool) -> None:
    """Count the first part of multipart/signed that tells; refuse it if the user chose so.

    A certificate of S/MIME always tells: it names its owner and who knows him.
    """
    octets = signatures_in(signature) or signature
    is_named = names_another(octets, rebuilder.around.is_own_user_id) if is_openpgp else True
    if is_named or any(_telling(rebuilder, part.children[0])):
        _judge(rebuilder, part)


def clear_signed(rebuilder: Rebuilder, part: Part, content: bytes) -> None:
    """Count clear-signed text whose signature names another; refuse it if the user chose so."""
    if names_another(signatures_in(content), rebuilder.around.is_own_user_id):
        _judge(rebuilder, part)


def opaque(rebuilder: Rebuilder, part: Part) -> None:
    """Count S/MIME content that is signed in one piece; refuse it if the user chose so."""
    if part.content_type.get("smime-type").lower() == "signed-data":
        _judge(rebuilder, part)


def _judge(rebuilder: Rebuilder, part: Part) -> None:
    if rebuilder.around.choices.refuses_telling_signed:
        place = rebuilder.place(part)
        text = f"{place} is signed and tells more than it must; only you can mend it"
        raise Refusal(Reply(554, "5.6.1", text))
    rebuilder.tally.add("signed part that tells")


def _telling(rebuilder: Rebuilder, signed: Part) -> Iterator[bool]:
    for each in signed.walk():
        yield any(name.lower() not in _FIELDS for name, _, _ in each.fields)
        disposition = parse_parameters(each.raw(b"content-disposition") or b"")
        said = each.content_type.by_name.keys() | disposition.by_name.keys()
        yield not _PARAMETERS.issuperset(said)
    tally = Tally()
    around = replace(rebuilder.around, tally=tally, choices=_LENIENT)
    look = Rebuilder(rebuilder.message, around, rebuilder.rule_for, True, rebuilder.encodings)
    try:
        look.build_root(signed)
    except Refusal:
        yield True
    yield not _HARMLESS.issuperset(tally.report().counts)
