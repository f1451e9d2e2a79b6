# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.wire.link.pairing import (
    Malformed,
    Pairing,
    Role,
    Side,
    format_pairing,
    parse_pairing,
)
from tests.engines.link.ends import CORE, GATEWAY, PAIRING

GOOD = format_pairing(PAIRING)
OCTETS_32 = st.binary(min_size=32, max_size=32)


@given(OCTETS_32, OCTETS_32, OCTETS_32)
def test_file_brings_back_the_pairing(secret: bytes, own: bytes, other: bytes) -> None:
    pairing = Pairing(Side(Role.GATEWAY, own), Side(Role.CORE, other), secret)
    assert parse_pairing(format_pairing(pairing), pairing.own) == pairing


def test_each_sides_file_names_the_other() -> None:
    assert 'role = "gateway"' in GOOD
    assert 'role = "core"' in format_pairing(PAIRING.mirrored())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not toml",
        GOOD + "more = 1\n",
        GOOD.replace("version = 1", "version = 2"),
        GOOD.replace("gateway", "letterbox"),
        GOOD.replace('role = "gateway"', "role = 7"),
        GOOD.replace("gateway", "core"),
        GOOD.replace("secret", "# secret"),
        GOOD.replace(PAIRING.secret.hex(), PAIRING.secret.hex()[:-2]),
        GOOD.replace(PAIRING.secret.hex(), PAIRING.secret.hex().upper()),
        GOOD.replace(f'"{GATEWAY.destination.hex()}"', "7"),
        GOOD + "#" * 5_000,
    ],
)
def test_malformed_file_is_refused_without_quoting_it(text: str) -> None:
    assert parse_pairing(GOOD, CORE) == PAIRING
    with pytest.raises(Malformed) as refused:
        parse_pairing(text, CORE)
    assert PAIRING.secret.hex()[:8] not in str(refused.value).lower()
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_secrets_and_hashes_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        Side(Role.CORE, b"short")
    with pytest.raises(ValueError, match="32"):
        Pairing(CORE, GATEWAY, b"short")
