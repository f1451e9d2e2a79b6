# SPDX-License-Identifier: Apache-2.0
"""`eepost i2p` without a router: what is written where, and what is refused."""

import asyncio
import os
import stat
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from eepost.app.cli.i2p import app
from eepost.app.cli.tree import app as everything
from eepost.app.config import ConfigError
from eepost.app.i2p import (
    LINK_KEYS,
    MAIL_KEYS,
    Reach,
    Setup,
    admit,
    choose,
    expel,
    link_secrecy,
    open_reach,
    paired_names,
    save,
    write_tunnels,
)
from eepost.app.i2p_doctor import examine, router_notice
from eepost.app.invitation import read_invitation
from eepost.app.office import Office, create_office
from eepost.net.connect import Patience
from eepost.net.findings import State
from eepost.net.i2p.checks import Stranger
from eepost.net.i2p.keys import make_keys, read_keys
from eepost.net.i2p.tunnels import ServerTunnel, i2pd_text
from eepost.net.listeners import Endpoint

GATEWAY = make_keys(os.urandom)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with nothing on it."""
    root = tmp_path / "machine"
    (root / "proc").mkdir(parents=True)
    (root / "home").mkdir()
    return root


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return create_office(tmp_path / "office", {"mail": {"domain": "mail.i2p"}})


def run_i2pd(machine: Path) -> None:
    (machine / "proc/7").mkdir()
    (machine / "proc/7/cmdline").write_bytes(b"/usr/sbin/i2pd\0--service\0")
    (machine / "var/lib/i2pd").mkdir(parents=True)


def chosen(office: Office, machine: Path, wanted: str = "auto") -> Setup:
    return choose(office, wanted, machine, machine / "home")


def own(office: Office, machine: Path) -> Reach:
    return save(office, chosen(office, machine, "own"))


def test_running_router_is_taken_and_else_one_of_our_own(office: Office, machine: Path) -> None:
    assert chosen(office, machine).router == "own"
    run_i2pd(machine)
    setup = chosen(office, machine)
    assert setup.router == "i2pd"
    assert setup.keys_folder == str(machine / "var/lib/i2pd")
    assert setup.socks == "127.0.0.1:4447"
    assert chosen(office, machine, "own").router == "own"


def test_router_that_is_not_there_can_not_be_asked_for(office: Office, machine: Path) -> None:
    for kind in ("i2pd", "java"):
        with pytest.raises(ConfigError, match="router was found"):
            chosen(office, machine, kind)


def test_our_own_running_router_is_not_somebody_elses(office: Office, machine: Path) -> None:
    folder = office.directory.resolve() / "i2p/router"
    (machine / "proc/7").mkdir()
    (machine / "proc/7/cmdline").write_bytes(f"/i2pd\0--datadir={folder}\0".encode())
    folder_in_machine = machine / str(folder).lstrip("/")
    office_there = replace(office, directory=folder_in_machine.parent.parent)
    assert choose(office_there, "auto", machine, machine / "home").router == "own"


def test_java_router_is_told_and_not_written_to(office: Office, machine: Path) -> None:
    (machine / "home/.i2p/i2ptunnel.config.d").mkdir(parents=True)
    reach = save(office, chosen(office, machine, "java"))
    assert reach.keys_folder == reach.folder
    assert "option.targetForPort.25=127.0.0.1:7659" in reach.text(reach.tunnels())
    assert list((machine / "home/.i2p/i2ptunnel.config.d").iterdir()) == []
    findings = asyncio.run(examine(reach, None, machine, machine / "home"))
    assert State.UNCHECKED in {finding.state for finding in findings}


def test_keys_are_made_once_and_for_the_owner_alone(office: Office, machine: Path) -> None:
    first = own(office, machine)
    address = first.keys(MAIL_KEYS).b32
    assert own(office, machine).keys(MAIL_KEYS).b32 == address
    assert first.keys(LINK_KEYS).b32 != address, "the link has a destination of its own"
    for name in (MAIL_KEYS, LINK_KEYS):
        assert stat.S_IMODE((first.keys_folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(first.keys_folder.stat().st_mode) == 0o700


def test_setup_is_read_back_as_it_was_saved(office: Office, machine: Path) -> None:
    setup = msgspec.structs.replace(
        chosen(office, machine), hops=1, paired=("a" * 52,), extra=(("key", 'quoted "value"'),)
    )
    save(office, setup)
    assert open_reach(office).setup == setup


@pytest.mark.parametrize(
    "text", ["router = 7", "not toml", 'router = "own"\nkeys_folder = "x"\nmore = 1']
)
def test_damaged_setup_says_what_to_do(office: Office, machine: Path, text: str) -> None:
    reach = own(office, machine)
    (reach.folder / "setup.toml").write_text(text)
    with pytest.raises(ConfigError, match="eepost i2p setup"):
        open_reach(office)


def test_post_office_that_was_not_set_up_says_so(office: Office) -> None:
    with pytest.raises(ConfigError, match="not set up for I2P"):
        open_reach(office)


def test_mail_and_portal_share_a_destination_and_the_link_is_shut_until_paired(
    office: Office, machine: Path
) -> None:
    reach = own(office, machine)
    servers = [tunnel for tunnel in reach.tunnels() if isinstance(tunnel, ServerTunnel)]
    assert {(s.inport, s.keys, s.is_http) for s in servers} == {
        (25, MAIL_KEYS, False),
        (110, MAIL_KEYS, False),
        (80, MAIL_KEYS, True),
    }


def test_admitting_a_gateway_opens_the_link_for_its_destination_and_expelling_shuts_it(
    office: Office, machine: Path
) -> None:
    reach = admit(own(office, machine), GATEWAY.b32)
    [link] = [t for t in reach.tunnels() if isinstance(t, ServerTunnel) and t.only_from]
    assert (link.only_from, link.keys) == ((GATEWAY.b32.removesuffix(".b32.i2p"),), LINK_KEYS)
    assert str(link.target) == office.settings.gateways.listen
    assert open_reach(office).setup == reach.setup
    reach = expel(reach, GATEWAY.b32)
    assert not [t for t in reach.tunnels() if isinstance(t, ServerTunnel) and t.only_from]
    assert open_reach(office).setup == reach.setup


@pytest.mark.parametrize("address", ["", "a" * 51, "a" * 51 + "1", "mail.i2p", "a" * 52 + ".com"])
def test_what_is_no_b32_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="b32"):
        paired_names([address])
    assert paired_names(["A" * 52]) == paired_names(["a" * 52 + ".b32.i2p"]) == ("a" * 52,)


def test_users_get_the_ports_that_their_mail_programs_know(office: Office, machine: Path) -> None:
    reach = own(office, machine)
    text = reach.text(reach.client_tunnels())
    b32 = reach.keys(MAIL_KEYS).b32
    assert text.count(f"destination = {b32}\n") == 2
    assert "port = 7659\n" in text
    assert "port = 7660\n" in text
    assert "keys = transient" in text


def test_examination_at_rest_finds_what_is_wrong(office: Office, machine: Path) -> None:
    reach = own(office, machine)
    write_tunnels(reach)
    (reach.keys_folder / LINK_KEYS).unlink()
    findings = {
        finding.subject: finding
        for finding in asyncio.run(examine(reach, None, machine, machine / "home"))
    }
    assert findings["router"].state is State.WRONG
    assert findings["mail destination"].state is State.FINE
    assert findings["link destination"].state is State.WRONG
    assert findings["tunnels"].state is State.FINE
    assert findings["from I2P"].state is State.UNCHECKED
    assert all(f.mend for f in findings.values() if f.state is State.WRONG)


def test_closed_socks_port_ends_the_examination(office: Office, machine: Path) -> None:
    reach = own(office, machine)
    stranger = Stranger(Endpoint("127.0.0.1", 1), Patience(connect_seconds=2))
    findings = asyncio.run(examine(reach, stranger, machine, machine / "home"))
    assert findings[-1].subject == "a stranger's eye"
    assert findings[-1].state is State.WRONG


def test_keys_that_others_can_read_are_not_used(office: Office, machine: Path) -> None:
    reach = own(office, machine)
    (reach.keys_folder / MAIL_KEYS).chmod(0o644)
    with pytest.raises(ConfigError, match="other users"):
        reach.keys(MAIL_KEYS)
    (reach.keys_folder / MAIL_KEYS).unlink()
    with pytest.raises(ConfigError, match="no such file"):
        reach.keys(MAIL_KEYS)


def install_i2pd(machine: Path, version: str) -> None:
    binary = machine / "usr/sbin/i2pd"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\necho 'i2pd version {version} (0.9.99)'\n")
    binary.chmod(0o755)


def paired_at(version: str, office: Office, machine: Path, tmp_path: Path) -> Reach:
    """Return a post office with a paired gateway, its tunnels written, at this version of i2pd."""
    install_i2pd(machine, version)
    reach = admit(own(office, machine), GATEWAY.b32)
    write_tunnels(reach)
    return reach


def test_link_is_hidden_where_the_router_can(office: Office, machine: Path, tmp_path: Path) -> None:
    reach = paired_at("2.56.0", office, machine, tmp_path)
    name = GATEWAY.b32.removesuffix(".b32.i2p")
    key = reach.lease_key_file(name).read_text().strip()
    text = reach.tunnels_file.read_text()
    link = text.partition("[eepost-link]")[2].partition("[eepost-link-out]")[0]
    assert "signaturetype = 11\ni2cp.leaseSetType = 5\ni2cp.leaseSetAuthType = 2\n" in link
    assert f"i2cp.leaseSetClient.psk.0 = gateway0:{key}\n" in link
    assert text.count(key) == 1, "no other destination is hidden"
    theirs = i2pd_text(reach.gateway_tunnels(name))
    assert f"i2cp.leaseSetPrivKey = {key}\n" in theirs
    assert f"destination = {reach.keys(LINK_KEYS).b33}\n" in theirs
    assert link_secrecy(reach).startswith("hidden")
    assert open_reach(office).setup == reach.setup


def test_link_is_not_hidden_where_the_router_is_too_old(
    office: Office, machine: Path, tmp_path: Path
) -> None:
    reach = paired_at("2.45.1", office, machine, tmp_path)
    name = GATEWAY.b32.removesuffix(".b32.i2p")
    assert "leaseSet" not in reach.tunnels_file.read_text()
    assert not reach.lease_key_file(name).exists()
    theirs = i2pd_text(reach.gateway_tunnels(name))
    assert "leaseSet" not in theirs
    assert f"destination = {reach.keys(LINK_KEYS).b32}\n" in theirs
    assert "i2pd 2.45.1 can't" in link_secrecy(reach)


def test_keys_to_find_the_link_are_the_owners_alone_and_in_no_repr(
    office: Office, machine: Path, tmp_path: Path
) -> None:
    reach = paired_at("2.59.0", office, machine, tmp_path)
    name = GATEWAY.b32.removesuffix(".b32.i2p")
    file = reach.lease_key_file(name)
    for secret in (file, reach.tunnels_file):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    shown = repr((reach, reach.tunnels(), reach.gateway_tunnels(name)))
    assert file.read_text().strip() not in shown


def test_tunnels_that_anybody_could_read_are_shut_before_keys_go_in(
    office: Office, machine: Path, tmp_path: Path
) -> None:
    install_i2pd(machine, "2.56.0")
    reach = own(office, machine)
    reach.tunnels_file.parent.mkdir()
    reach.tunnels_file.write_text("old")
    reach.tunnels_file.chmod(0o644)
    write_tunnels(admit(reach, GATEWAY.b32))
    assert stat.S_IMODE(reach.tunnels_file.stat().st_mode) == 0o600


def test_gateway_keeps_its_key_at_setup_and_gets_a_new_one_when_paired_anew(
    office: Office, machine: Path, tmp_path: Path
) -> None:
    reach = paired_at("2.56.0", office, machine, tmp_path)
    file = reach.lease_key_file(GATEWAY.b32.removesuffix(".b32.i2p"))
    first = file.read_text()
    save(office, reach.setup)
    assert file.read_text() == first
    admit(reach, GATEWAY.b32)
    assert file.read_text() != first


@pytest.mark.parametrize("damage", ["", "short", "ü" * 44, "a" * 43 + "=\nkey = other"])
def test_damaged_key_of_a_gateway_is_not_written_to_the_router(
    office: Office, machine: Path, tmp_path: Path, damage: str
) -> None:
    reach = paired_at("2.56.0", office, machine, tmp_path)
    reach.lease_key_file(GATEWAY.b32.removesuffix(".b32.i2p")).write_text(damage)
    with pytest.raises(ConfigError, match="no key of the gateway"):
        reach.tunnels()
    findings = asyncio.run(examine(reach, None, machine, machine / "home"))
    assert [f.state for f in findings if f.subject == "tunnels"] == [State.WRONG]


def test_destination_that_can_not_be_blinded_stays_and_the_mend_is_named(
    office: Office, machine: Path, tmp_path: Path
) -> None:
    before = own(office, machine).keys(LINK_KEYS)
    reach = paired_at("2.56.0", office, machine, tmp_path)
    assert reach.keys(LINK_KEYS) == before
    assert not reach.setup.hides_link
    assert "pair anew" in link_secrecy(reach)
    (reach.keys_folder / LINK_KEYS).unlink()
    assert save(office, reach.setup).setup.hides_link
    assert read_keys(reach.keys_folder / LINK_KEYS).is_blindable


def test_java_router_and_unknown_version_are_said_to_hide_nothing(
    office: Office, machine: Path
) -> None:
    assert "unknown version" in link_secrecy(own(office, machine))
    (machine / "home/.i2p/i2ptunnel.config.d").mkdir(parents=True)
    install_i2pd(machine, "2.59.0")
    assert "i2pd only" in link_secrecy(save(office, chosen(office, machine, "java")))


def notice(office: Office, machine: Path) -> str | None:
    return router_notice(office, machine, machine / "home")


def test_machine_without_a_running_router_has_no_notice(office: Office, machine: Path) -> None:
    install_i2pd(machine, "2.45.1")
    assert notice(office, machine) is None


def test_running_router_without_set_up_gets_the_command_and_nothing_is_written(
    office: Office, machine: Path
) -> None:
    run_i2pd(machine)
    before = sorted(machine.rglob("*"))
    assert f"eepost i2p setup --data {office.directory}" in (notice(office, machine) or "")
    assert sorted(machine.rglob("*")) == before
    assert not (office.directory / "i2p").exists()


def test_router_that_leads_here_is_named_with_the_address(office: Office, machine: Path) -> None:
    run_i2pd(machine)
    reach = save(office, chosen(office, machine))
    assert "i2p setup" in (notice(office, machine) or ""), "its tunnels are not written yet"
    write_tunnels(reach)
    told = notice(office, machine) or ""
    assert "mail comes through it at" in told
    assert reach.keys(MAIL_KEYS).b32 in told
    (reach.keys_folder / MAIL_KEYS).chmod(0o644)
    assert "eepost i2p show" in (notice(office, machine) or "")


def test_java_router_is_said_to_lead_here_only_once_it_has_the_tunnels(
    office: Office, machine: Path
) -> None:
    (machine / "proc/8").mkdir()
    (machine / "proc/8/cmdline").write_bytes(b"java\0net.i2p.router.Router\0")
    reach = save(office, chosen(office, machine, "java"))
    told = notice(office, machine) or ""
    assert told.endswith(f"at {reach.keys(MAIL_KEYS).b32}, once it has our tunnels")


def test_other_router_than_the_one_set_up_is_not_said_to_lead_here(
    office: Office, machine: Path
) -> None:
    reach = own(office, machine)
    write_tunnels(reach)
    run_i2pd(machine)
    told = notice(office, machine) or ""
    assert "our own router does not run" in told
    assert reach.keys(MAIL_KEYS).b32 not in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_sets_up_belongs_to_the_offices_owner(office: Office, machine: Path) -> None:
    os.chown(office.directory, 12_345, 12_346)
    reach = own(office, machine)
    made = (reach.folder, reach.folder / "setup.toml", reach.keys_folder / MAIL_KEYS)
    assert {(p.stat().st_uid, p.stat().st_gid) for p in made} == {(12_345, 12_346)}


def ask(office: Office, *words: str) -> str:
    """Return what `eepost i2p` prints."""
    done = CliRunner().invoke(app, [*words, "--data", str(office.directory)])
    assert done.exit_code == 0, done.output
    return done.output


def add_gateway(office: Office, address: str, out: Path) -> str:
    """Return what `eepost gateway add` prints."""
    words = ["gateway", "add", "other", address, "--out", str(out)]
    done = CliRunner().invoke(everything, [*words, "--data", str(office.directory)])
    assert done.exit_code == 0, done.output
    return done.output


def test_gateways_text_is_printed_with_its_key_alone(
    office: Office, machine: Path, tmp_path: Path
) -> None:
    reach = paired_at("2.56.0", office, machine, tmp_path)
    other = make_keys(os.urandom).b32
    told = add_gateway(office, other, tmp_path / "other")
    assert "hidden: nobody finds it without a key" in told
    first, second = (
        reach.lease_key_file(paired_names([b32])[0]).read_text().strip()
        for b32 in (GATEWAY.b32, other)
    )
    text = ask(office, "tunnels", "--side", "gateway", "--gateway", other)
    assert f"i2cp.leaseSetPrivKey = {second}\n" in text
    assert first not in text
    shown = ask(office, "show")
    assert reach.keys(LINK_KEYS).b33 in shown
    assert "own 2.56.0" in shown
    assert not {first, second} & set((told + shown).split())
    invitation = read_invitation(tmp_path / "other")
    assert (invitation.lease_key, invitation.address) == (second, reach.keys(LINK_KEYS).b33)


@pytest.mark.parametrize("more", [[], ["--gateway", "b" * 52], ["--gateway", "nonsense"]])
def test_gateway_that_is_not_paired_has_no_text(
    office: Office, machine: Path, more: list[str]
) -> None:
    own(office, machine)
    words = ["tunnels", "--side", "gateway", *more, "--data", str(office.directory)]
    assert CliRunner().invoke(app, words).exit_code == 2


def test_hidden_link_has_no_text_for_java(office: Office, machine: Path, tmp_path: Path) -> None:
    paired_at("2.56.0", office, machine, tmp_path)
    words = ["tunnels", "--side", "gateway", "--router", "java", "--data", str(office.directory)]
    assert CliRunner().invoke(app, words).exit_code == 2
