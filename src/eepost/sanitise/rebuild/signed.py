# SPDX-License-Identifier: Apache-2.0
"""What is signed or encrypted: to the octet; around it wrappers and armor are made anew."""

from eepost.mail.message import Part
from eepost.mail.parameters import write_parameters
from eepost.mail.transfer import encode_base64
from eepost.sanitise.armor import strip_armor_headers
from eepost.sanitise.names import file_type
from eepost.sanitise.parts import kind_of
from eepost.sanitise.rebuild import telling
from eepost.sanitise.rebuild.built import OCTETS, Built, body_fields, built_multipart
from eepost.sanitise.rebuild.rebuilder import Rebuilder

_PKCS7 = "application/pkcs7-signature"
_PGP = "application/pgp-signature"
_PROTOCOLS = {_PGP: _PGP, _PKCS7: _PKCS7, "application/x-pkcs7-signature": _PKCS7}
_SMIME_TYPES = frozenset(
    ("enveloped-data", "signed-data", "certs-only", "compressed-data", "authenveloped-data")
)
# The one name that all programs know a signature or cipher text by.
_FILE_NAMES = {
    _PKCS7: "smime.p7s",
    _PGP: "signature.asc",
    "application/pkcs7-mime": "smime.p7m",
    OCTETS: "encrypted.asc",
}
_PGP_CONTROL = Built(b"Content-Type: application/pgp-encrypted\r\n", [b"Version: 1\r\n"])


def multipart_signed(rebuilder: Rebuilder, part: Part) -> Built:
    """Return multipart/signed with its first part to the octet (RFC 1847 2.1)."""
    signed, *rest = part.children
    protocol = _PROTOCOLS.get(part.content_type.get("protocol").lower(), "")
    protocol = protocol or next((_PROTOCOLS.get(kind_of(each), "") for each in rest), "")
    built = [_crypto_file(rebuilder, each, protocol) for each in rest[:1]]
    # Mailing lists put their footer behind the signature.
    built += [made for each in rest[1:] if (made := rebuilder.build(each)) is not None]
    rebuilder.tally.add("signed part passed to the octet")
    signature = rebuilder.content(rest[0]) if rest else b""
    telling.signed_part(rebuilder, part, signature, is_openpgp=protocol == _PGP)
    parameters = [("protocol", protocol), ("micalg", part.content_type.get("micalg").lower())]
    untouched = [rebuilder.view[signed.start : signed.end]]
    return built_multipart(
        "multipart/signed", parameters, rebuilder.boundary(), [untouched, *built]
    )


def multipart_encrypted(rebuilder: Rebuilder, part: Part) -> Built:
    """Return multipart/encrypted of OpenPGP with its cipher text to the octet (RFC 3156 4)."""
    encrypted = _crypto_file(rebuilder, part.children[1], OCTETS)
    rebuilder.tally.add("encrypted part passed to the octet")
    parameters = [("protocol", "application/pgp-encrypted")]
    return built_multipart(
        "multipart/encrypted", parameters, rebuilder.boundary(), [_PGP_CONTROL, encrypted]
    )


def smime(rebuilder: Rebuilder, part: Part) -> Built:
    """Return S/MIME content to the octet (RFC 8551)."""
    rebuilder.tally.add("encrypted part passed to the octet")
    telling.opaque(rebuilder, part)
    return _crypto_file(rebuilder, part, "application/pkcs7-mime")


def _crypto_file(rebuilder: Rebuilder, part: Part, kind: str) -> Built:
    content = rebuilder.content(part)
    kind = kind or file_type("", part.content_type.value)
    disposition = write_parameters(
        b"Content-Disposition", "attachment", [("filename", _FILE_NAMES.get(kind, ""))]
    )
    smime_type = part.content_type.get("smime-type").lower()
    parameters = [("smime-type", smime_type if smime_type in _SMIME_TYPES else "")]
    content_type = write_parameters(b"Content-Type", kind, parameters)
    if b"-----BEGIN PGP" in content and content.isascii():
        content = strip_armor_headers(content)
        return Built(body_fields(content_type, b"7bit", disposition), [content])
    fields = body_fields(content_type, b"base64", disposition)
    return Built(fields, [encode_base64(content)])
