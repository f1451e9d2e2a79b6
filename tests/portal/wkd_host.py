# SPDX-License-Identifier: Apache-2.0
"""A host in a network and mount namespace of its own where GnuPG finds the portal as mail.i2p.

Run by `test_web_key_directory.py` as `unshare --net --mount python -m tests.portal.wkd_host DIR`.
There are no name servers and no way out; /etc/hosts and the trusted certificates are this host's
own. A TLS server stands before the portal, since GnuPG asks a Web Key Directory by HTTPS only.
"""

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import trustme

from tests.office import DOMAIN, PostOffice
from tests.portal.keyring import Keyring
from tests.portal.test_choices import signed_in

ADDRESS = f"alice@{DOMAIN}"
NAMES = (DOMAIN, f"openpgpkey.{DOMAIN}")


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def settle(scratch: Path) -> trustme.CA:
    """Make this process's view of the system one where NAMES are here and the CA is trusted."""
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    authority = trustme.CA()
    trusted, hosts = scratch / "trusted.pem", scratch / "hosts"
    authority.cert_pem.write_to_path(str(trusted))
    hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in (*NAMES, "localhost")))
    run("mount", "--bind", str(trusted), "/etc/ssl/certs/ca-certificates.crt")
    run("mount", "--bind", str(hosts), "/etc/hosts")
    return authority


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while octets := await reader.read(65_536):
            writer.write(octets)
            await writer.drain()
    finally:
        writer.close()


async def stand_before(port: int, authority: trustme.CA) -> asyncio.Server:
    """Terminate TLS for NAMES and pass requests on to the portal at `port`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*NAMES).configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            pass_on(reader, far_writer), pass_on(far_reader, writer), return_exceptions=True
        )

    return await asyncio.start_server(serve, "127.0.0.1", 443, ssl=context)


def talk(office: PostOffice, scratch: Path) -> None:
    """Let alice give her key to the portal and bob's gpg find it and encrypt to it."""
    alice, bob = Keyring(scratch / "alice"), Keyring(scratch / "bob")
    (bob.home / "dirmngr.conf").write_text("standard-resolver\n")
    try:
        alice.make(f"Alice <{ADDRESS}>")
        browser = signed_in(office)
        browser.submit("/key", what="key", key=alice.export(ADDRESS))
        browser.submit("/key", what="listing", listed="yes")
        bob.run("--auto-key-locate", "clear,wkd", "--locate-external-keys", ADDRESS)
        secret = bob.run("--trust-model", "always", "--encrypt", "-r", ADDRESS, given=b"psst")
        assert alice.run("--decrypt", given=secret) == b"psst"
    finally:
        alice.close()
        bob.close()


async def main(scratch: Path) -> None:
    authority = settle(scratch)
    office = PostOffice(scratch / "office").create()
    office.add("alice")
    office.start()
    server = await stand_before(office.portal_port, authority)
    try:
        await asyncio.to_thread(talk, office, scratch)
    finally:
        server.close()
        office.kill()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
    print("found, encrypted, decrypted")  # noqa: T201
