# SPDX-License-Identifier: Apache-2.0
"""What is given as a certificate costs no more than it may."""

import time

import pytest

from eepost.accounts.certificates import CertificateRefused, make_certificate


@pytest.mark.parametrize(
    "packet",
    [
        b"\xd1\x00",  # an empty user attribute
        b"\xfc\x00",
        b"\x99\x00\x00",  # an older header
        b"\xcd\xff\x00\x00\x00\x01a",
        b"\xcd\xc0\x00" + bytes(192),
    ],
)
def test_thousands_of_packets_are_counted_before_they_are_read(packet: bytes) -> None:
    key = b"\xc6\x06\x04" + bytes(5)
    given = (key + packet * 40_000)[:96_000]
    began = time.process_time()
    with pytest.raises(CertificateRefused, match="too many parts"):
        make_certificate(given, {"alice@mail.i2p"}, 0)
    assert time.process_time() - began < 0.3  # it was two seconds


@pytest.mark.parametrize("given", [b"\xc6\xe1" + bytes(90), b"\x9b", b"", b"-----BEGIN", b"\xc6"])
def test_what_is_no_certificate_is_refused(given: bytes) -> None:
    with pytest.raises(CertificateRefused, match="can't be read"):
        make_certificate(given, {"alice@mail.i2p"}, 0)
