# SPDX-License-Identifier: Apache-2.0
"""What leaves is signed so that others verify it, and in a time that its size alone decides."""

import time
from collections.abc import Callable

import dkim  # type: ignore[import-untyped]
import pytest
from dkim.canonicalization import Relaxed  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from eepost.app.gateway_keys import make_keys, published, read_keys
from eepost.services.gateway.signing import Signer, relaxed_body

HEAD = b"From: alice@example.org\r\nTo: bob@far.example\r\nSubject: s\r\n\r\n"
NOW = 1_795_446_789
BODIES = (
    b"",
    b"\r\n",
    b"\r\n\r\n",
    b"words\r\n",
    b"words",
    b"a  b\tc \t \r\n \r\n\r\nend \r\n\r\n\r\n",
    b" \t\r\n",
    b"." * 5_000 + b"\r\n",
)
pieces = st.lists(st.sampled_from((b" ", b"\t", b"  ", b"\r\n", b"a", b"\r\n\r\n", b"b c")))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Signer, Callable[..., bytes]]:
    folder = tmp_path_factory.mktemp("keys")
    make_keys(folder)
    made = read_keys(folder)
    zone = {f"{each.selector}._domainkey.example.org.": published(each).text for each in made}
    return Signer(made), lambda name, **_: zone[name.decode()].encode()


@pytest.mark.parametrize("body", BODIES)
def test_others_verify_what_is_signed(
    keys: tuple[Signer, Callable[..., bytes]], body: bytes
) -> None:
    signer, look_up = keys
    fields = signer.sign(HEAD + body, "example.org", NOW)
    assert fields.count(b"c=relaxed/relaxed;") == 2
    # A server ends the last line where it has no end.
    sent = fields + HEAD + body + (b"" if not body or body.endswith(b"\r\n") else b"\r\n")
    verifier = dkim.DKIM(sent)
    assert [verifier.verify(at, dnsfunc=look_up) for at in (0, 1)] == [True, True]
    changed = dkim.DKIM(sent + b"more\r\n")
    with pytest.raises(dkim.ValidationError):
        changed.verify(0, dnsfunc=look_up)


@given(pieces)
def test_body_is_relaxed_as_the_library_does_it(body: list[bytes]) -> None:
    whole = b"".join(body) + b"\r\n"
    assert relaxed_body(whole) == Relaxed.canonicalize_body(whole)


@pytest.mark.parametrize(
    "body",
    [
        b" " * 10_000_000 + b"\r\n",
        (b" " * 990 + b"x\r\n") * 10_000,
        b" \r\n" * 3_300_000,
        b"\r\n" * 5_000_000,
        b"a " * 5_000_000,
        b"a\t " * 3_300_000,
    ],
    ids=["one row", "rows", "empty lines", "line ends", "words", "pairs"],
)
def test_no_body_takes_longer_than_its_size(
    keys: tuple[Signer, Callable[..., bytes]], body: bytes
) -> None:
    begin = time.process_time()
    keys[0].sign(HEAD + body, "example.org", NOW)
    assert time.process_time() - begin < 3.0  # 0.2 seconds when nothing else runs
