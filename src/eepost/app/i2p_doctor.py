# SPDX-License-Identifier: Apache-2.0
"""Looks at the whole way from I2P to our listeners, for `eepost i2p doctor` and for the trial."""

from collections.abc import Iterator
from pathlib import Path

from eepost.app.config import ConfigError, endpoints
from eepost.app.i2p import (
    LINK_KEYS,
    LINK_PORT,
    MAIL_KEYS,
    POP3_PORT,
    PORTAL,
    PORTAL_PORT,
    SMTP_PORT,
    Reach,
    open_reach,
)
from eepost.app.office import Office
from eepost.net.findings import Finding, State, fine, unchecked, wrong
from eepost.net.i2p.checks import (
    Stranger,
    file_is_current,
    is_confined,
    keys_are_private,
    peers_are_told_apart,
    proxy_answers,
    service_is_reached,
    strangers_are_refused,
    strangers_do_not_find,
)
from eepost.net.i2p.found import Kind, find_routers
from eepost.net.i2p.keys import Keys


async def examine(reach: Reach, stranger: Stranger | None, root: Path, home: Path) -> list[Finding]:
    """Look at everything between I2P and our listeners, the cheap questions first."""
    findings = [*_at_rest(reach, root, home)]
    if stranger is None:
        reason = "the router's SOCKS5 port is shut, and a stranger's eye needs one"
        return [*findings, unchecked("from I2P", reason, "enable the SOCKS proxy, or --socks")]
    findings.append(await proxy_answers("a stranger's eye", stranger))
    if findings[-1].state is State.WRONG:
        return findings
    return findings + await _from_outside(reach, stranger)


async def _from_outside(reach: Reach, stranger: Stranger) -> list[Finding]:
    findings: list[Finding] = []
    try:
        mail = reach.keys(MAIL_KEYS).b32
        link = reach.keys(LINK_KEYS)
    except (ConfigError, PermissionError):
        return [unchecked("from I2P", "our own address can't be read", "ask as root")]
    listeners = endpoints(reach.office.settings)
    for subject, port, key in (
        ("SMTP", SMTP_PORT, "smtp.listen"),
        ("POP3", POP3_PORT, "pop3.listen"),
    ):
        findings += await service_is_reached(subject, stranger, mail, port, listeners[key])
    findings += await peers_are_told_apart("peers", stranger, mail, PORTAL_PORT, PORTAL)
    return [*findings, await _link(reach, stranger, link)]


async def _link(reach: Reach, stranger: Stranger, link: Keys) -> Finding:
    subject = "gateway link"
    if not reach.setup.paired:
        return fine(subject, "no gateway is paired, so no tunnel leads to it")
    if reach.setup.hides_link:
        return await strangers_do_not_find(subject, stranger, link.b33, LINK_PORT)
    listener = endpoints(reach.office.settings)["gateways.listen"]
    return await strangers_are_refused(subject, stranger, link.b32, LINK_PORT, listener)


def _at_rest(reach: Reach, root: Path, home: Path) -> Iterator[Finding]:
    yield _router_runs(reach, root, home)
    if reach.setup.router == "own":
        yield is_confined("confinement", reach.keys_folder, root)
    for subject, name in (("mail destination", MAIL_KEYS), ("link destination", LINK_KEYS)):
        yield keys_are_private(subject, reach.keys_folder / name)
    yield _tunnels_stand(reach)


def _tunnels_stand(reach: Reach) -> Finding:
    if reach.setup.router == "java":
        text = "Java I2P keeps its tunnels its own way"
        return unchecked("tunnels", text, "eepost i2p tunnels")
    try:
        expected = reach.text(reach.tunnels())
    except ConfigError as error:
        return wrong("tunnels", error.reason, error.hint)
    except PermissionError:
        return unchecked("tunnels", "a gateway's key can't be read by this user", "ask as root")
    return file_is_current("tunnels", reach.tunnels_file, expected)


def _router_runs(reach: Reach, root: Path, home: Path) -> Finding:
    own = reach.setup.router == "own"
    name = {"own": "our own router", "i2pd": "i2pd", "java": "Java I2P"}[reach.setup.router]
    kind = Kind.JAVA if reach.setup.router == "java" else Kind.I2PD
    for found in find_routers(root, home):
        is_ours = found.folder.resolve() == reach.keys_folder.resolve()
        if found.kind is kind and found.pid is not None and (is_ours or kind is Kind.JAVA):
            return fine("router", f"{name} runs")
    mend = "run eepost i2p run" if own else "start it, for instance systemctl start i2pd"
    return wrong("router", f"{name} does not run", mend)


def router_notice(office: Office, root: Path, home: Path) -> str | None:
    """Return a sentence on a router that runs on this machine and how it leads here, or None.

    Nothing is written: a trial leaves routers' folders alone until it is told otherwise.
    """
    running = [found for found in find_routers(root, home) if found.pid is not None]
    if not running:
        return None
    name = {Kind.I2PD: "i2pd", Kind.JAVA: "Java I2P"}[running[0].kind]
    command = f"eepost i2p setup --data {office.directory}"
    try:
        reach = open_reach(office)
    except ConfigError:
        return f"An I2P router ({name}) runs here. To let its tunnels lead to this: {command}"
    findings = (_router_runs(reach, root, home), _tunnels_stand(reach))
    for finding in findings:
        if finding.state is State.WRONG:
            return f"An I2P router ({name}) runs here, but {finding.text}: {finding.mend}"
    try:
        address = reach.keys(MAIL_KEYS).b32
    except (ConfigError, PermissionError):
        address = f"the address that sudo eepost i2p show --data {office.directory} tells"
    # Where we can't look into the router's folder, its owner has to have put our tunnels there.
    once = "" if findings[-1].state is State.FINE else ", once it has our tunnels"
    return f"An I2P router ({name}) runs here, and mail comes through it at {address}{once}"
