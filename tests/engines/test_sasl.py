# SPDX-License-Identifier: Apache-2.0
import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.wire.sasl import (
    MECHANISMS,
    Credentials,
    Fault,
    Login,
    Plain,
    decode_base64,
    encode_base64,
)

ALICE = Credentials("alice", "correct horse")


@pytest.mark.parametrize(
    "response",
    [b"\0alice\0correct horse", b"alice\0alice\0correct horse", b"ALICE\0alice\0correct horse"],
)
def test_plain_gives_credentials(response: bytes) -> None:
    assert Plain().respond(response) == ALICE


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        (b"", Fault.MALFORMED),
        (b"\0\0", Fault.MALFORMED),
        (b"\0alice", Fault.MALFORMED),
        (b"\0alice\0", Fault.MALFORMED),
        (b"\0\0password", Fault.MALFORMED),
        (b"\0alice\0pass\0word", Fault.MALFORMED),
        (b"\0\xff\0password", Fault.MALFORMED),
        (b"\xff\0alice\0password", Fault.MALFORMED),
        (b"\0alice\0\xff", Fault.MALFORMED),
        (b"bob\0alice\0password", Fault.FOREIGN_IDENTITY),
        (b"alice@mail.i2p\0alice\0password", Fault.FOREIGN_IDENTITY),
    ],
)
def test_plain_names_what_is_wrong(response: bytes, fault: Fault) -> None:
    assert Plain().respond(response) is fault


def test_full_address_may_act_for_itself() -> None:
    response = b"Alice@Mail.i2p\0alice@mail.i2p\0correct horse"
    assert Plain().respond(response) == Credentials("alice@mail.i2p", "correct horse")


def test_login_asks_twice() -> None:
    login = Login()
    assert login.challenge == b"Username:"
    assert login.respond(b"alice") == b"Password:"
    assert login.respond(b"correct horse") == ALICE


@pytest.mark.parametrize("response", [b"", b"a\0b", b"\xff"])
def test_login_refuses_what_is_no_name_and_no_password(response: bytes) -> None:
    assert Login().respond(response) is Fault.MALFORMED
    login = Login()
    login.respond(b"alice")
    assert login.respond(response) is Fault.MALFORMED


def test_exchanges_share_nothing() -> None:
    first, second = MECHANISMS["LOGIN"](), MECHANISMS["LOGIN"]()
    first.respond(b"alice")
    assert second.respond(b"bob") == b"Password:"


def test_credentials_are_not_printed() -> None:
    assert repr(ALICE) == "Credentials()"


@pytest.mark.parametrize(
    "line", [b"a", b"YQ", b"YQ=", b"YQ==YQ==", b"Y Q==", b" YQ==", b"YQ==\n", b"*", b"\xff", b"="]
)
def test_what_is_not_base64_to_its_last_character_is_refused(line: bytes) -> None:
    assert decode_base64(line) is None


@given(st.binary(max_size=100))
def test_base64_is_decoded_as_it_was_encoded(octets: bytes) -> None:
    assert encode_base64(octets) == base64.b64encode(octets)
    assert decode_base64(encode_base64(octets)) == octets


@given(st.binary(max_size=60))
def test_any_response_gives_an_answer_and_no_secret_is_empty(response: bytes) -> None:
    answer = Plain().respond(response)
    assert isinstance(answer, Fault | Credentials)
    if isinstance(answer, Credentials):
        assert answer.login
        assert answer.password
