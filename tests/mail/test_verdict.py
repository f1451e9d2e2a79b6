# SPDX-License-Identifier: Apache-2.0
"""The field that says what the gateway found out: one shape, and nothing else is taken for it."""

import pytest

from eepost.mail.verdict import Method, leading_verdict, write_verdict

METHODS = [
    Method("spf", "pass", (("smtp.mailfrom", "peer.example"),)),
    Method("dkim", "none"),
    Method("dmarc", "fail", (("header.from", "peer.example"), ("policy.dmarc", "reject"))),
]
FIELD = (
    b"Authentication-Results: mx.example.org;\r\n"
    b" spf=pass smtp.mailfrom=peer.example;\r\n"
    b" dkim=none;\r\n"
    b" dmarc=fail header.from=peer.example policy.dmarc=reject\r\n"
)


def test_every_method_has_a_line() -> None:
    assert write_verdict("mx.example.org", METHODS) == FIELD


def test_property_without_a_value_is_left_out() -> None:
    assert str(Method("spf", "none", (("smtp.helo", ""),))) == "spf=none"


def test_repr_shows_no_domain() -> None:
    assert "peer.example" not in repr(METHODS)


def test_what_was_written_is_found_in_front_of_a_message() -> None:
    assert leading_verdict(FIELD + b"From: a@b\r\n\r\n") == FIELD
    assert leading_verdict(bytearray(FIELD) + b"\r\n") == FIELD


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"From: a@b\r\n" + FIELD,
        FIELD.lower(),
        FIELD.replace(b"spf=pass", b"auth=pass"),
        FIELD.replace(b"mx.example.org", b"mx.example.org (comment)"),
        FIELD.replace(b"peer.example", b"<script>"),
        FIELD.replace(b";\r\n dkim", b";\r\n\tdkim"),
        FIELD.replace(b"smtp.mailfrom=peer.example", b"smtp.mailfrom=a@peer.example"),
        b"Authentication-Results: mx.example.org; none\r\n",
        b"Authentication-Results: mx.example.org\r\n",
        FIELD[:-2],
    ],
)
def test_nothing_else_passes_for_ours(message: bytes) -> None:
    assert leading_verdict(message) == b""
