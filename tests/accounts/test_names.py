# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.accounts.names import (
    RESERVED,
    NameRefused,
    check_name,
    check_role,
    local_name,
    login_name,
)
from eepost.mail.address import parse_address

DOMAINS = frozenset({"mail.i2p", "i2pmail.org"})


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("a", "a"),
        ("7", "7"),
        ("Alice", "alice"),
        ("alice.b-c_d", "alice.b-c_d"),
        ("a--b__c", "a--b__c"),
        ("x" * 32, "x" * 32),
        ("postmaster1", "postmaster1"),
    ],
)
def test_a_good_name_gets_its_normal_form(name: str, normal: str) -> None:
    assert check_name(name) == normal


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("x" * 33, "more than 32"),
        ("\n" * 33, "more than 32"),
        ("al ice", "only letters"),
        ("alice@mail.i2p", "only letters"),
        ("alice+x", "only letters"),
        ("älice", "only letters"),
        ("\u212aim", "only letters"),  # KELVIN SIGN, whose lower case is k
        ("alice\n", "only letters"),
        ("alice\0", "only letters"),
        (".alice", "begins"),
        ("-alice", "begins"),
        ("_alice", "begins"),
        ("alice.", "ends"),
        ("alice-", "ends"),
        ("a..b", "two dots"),
        ("postmaster", "reserved"),
        ("PostMaster", "reserved"),
        ("no-reply", "reserved"),
    ],
)
def test_a_bad_name_is_refused_with_its_reason(name: str, reason: str) -> None:
    with pytest.raises(NameRefused, match=reason) as refused:
        check_name(name)
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    "name",
    ["postmaster", "abuse", "hostmaster", "webmaster", "noc", "root", "mailer-daemon", "nobody"],
)
def test_nobody_gets_a_name_that_is_taken_for_the_operators(name: str) -> None:
    assert name in RESERVED


def test_every_reserved_name_could_be_a_local_part() -> None:
    assert {local_name(name) for name in RESERVED} == RESERVED


@given(st.text(max_size=40))
def test_what_passes_is_an_address_that_comes_back_as_the_name(name: str) -> None:
    try:
        normal = check_name(name)
    except NameRefused:
        return
    assert check_name(normal) == normal
    address = parse_address(f"{normal}@mail.i2p")
    assert address is not None
    assert address.local_part == normal == local_name(name) == login_name(name, DOMAINS)


@given(st.from_regex(r"[a-z0-9]([a-z0-9_-]|\.[a-z0-9]){0,10}[a-z0-9]", fullmatch=True))
def test_names_of_the_usual_form_pass_unless_reserved(name: str) -> None:
    if name in RESERVED:
        return
    assert check_name(name.upper()) == name


@pytest.mark.parametrize(
    ("login", "name"),
    [
        ("alice", "alice"),
        ("ALICE", "alice"),
        ("alice@mail.i2p", "alice"),
        ("Alice@I2PMAIL.org", "alice"),
        ("alice@elsewhere.org", None),
        ("alice@", None),
        ("@mail.i2p", None),
        ("", None),
        ("alice@mail.i2p@mail.i2p", None),
        ("alice ", None),
        ("alice\0", None),
        ("älice", None),
        ("x" * 33, None),
        ("alice@" + "x" * 300, None),
        (f"{'x' * 32}@mail.i2p", "x" * 32),
    ],
)
def test_a_login_is_a_name_or_an_address_of_ours(login: str, name: str | None) -> None:
    assert login_name(login, DOMAINS) == name


@given(st.text(max_size=400))
def test_any_login_is_a_name_or_none(login: str) -> None:
    name = login_name(login, DOMAINS)
    assert name is None or local_name(name) == name


def test_only_reserved_names_are_roles() -> None:
    assert check_role("Postmaster") == "postmaster"
    with pytest.raises(NameRefused, match="reserved"):
        check_role("alice")
