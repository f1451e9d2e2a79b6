# SPDX-License-Identifier: Apache-2.0
"""What a gateway keeps comes back as it was, and nothing else is taken for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from eepost.mail.violation import PeerViolation
from eepost.wire.transfer.kept import KeptEnvelope, read_kept, write_kept
from eepost.wire.transfer.messages import MAX_RECIPIENTS

ENVELOPE = KeptEnvelope("bob@far.example", ("alice@mail.example", "carol@mail.example"))


def test_envelope_and_content_come_back() -> None:
    for envelope in (ENVELOPE, KeptEnvelope("", ("postmaster",))):
        octets = b"".join(write_kept(envelope, [b"Subject: x\r\n", memoryview(b"\r\ny\r\n")]))
        assert read_kept(octets) == (envelope, b"Subject: x\r\n\r\ny\r\n")


def test_repr_shows_no_address() -> None:
    assert "example" not in repr(ENVELOPE)


def written(envelope: object) -> bytes:
    head = msgpack.encode(envelope)
    return len(head).to_bytes(4, "big") + head


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\0\0\0",
        b"\0\0\0\0text",
        b"\0\0\0\x09abc",
        b"\xff\xff\xff\xff",
        b"\0\0\0\x03abc",
        written(("a@b", ())),
        written(("a@b", ("c@d\r\n",))),
        written(("a@b\n", ("c@d",))),
        written(("a@b", tuple("x" * (MAX_RECIPIENTS + 1)))),
        written(("a@b", "c@d")),
        written({"a": 1}),
    ],
)
def test_what_is_not_kept_mail_is_refused(octets: bytes) -> None:
    with pytest.raises(PeerViolation):
        read_kept(octets)


@given(st.binary(max_size=60))
def test_noise_is_refused_in_one_way(noise: bytes) -> None:
    try:
        read_kept(noise)
    except PeerViolation:
        return
