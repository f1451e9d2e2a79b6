# SPDX-License-Identifier: Apache-2.0
"""What a role has loaded, looked at from outside: import contracts can't see dynamic imports."""

import subprocess
import sys

import pytest

# Whatever could reach the Internet or a name server, and what only another role may use. (Starlette
# takes the phrases of status codes from http.client, so that one can't be told from use.)
FORBIDDEN = {
    "core": (
        *("smtplib", "poplib", "imaplib", "ftplib", "urllib.request", "xmlrpc"),
        *("webbrowser", "aiosmtplib", "dns", "dkim", "spf", "requests", "httpx", "aiohttp"),
        *("eepost.net.clearnet", "eepost.net.dns", "eepost.app.gateway", "eepost.app.letterbox"),
    ),
    "gateway": (
        # httpx loads urllib.request, to look for proxies; it is told not to.
        *("smtplib", "poplib", "imaplib", "ftplib", "xmlrpc", "webbrowser"),
        *("eepost.accounts", "eepost.maildrop", "eepost.queue", "eepost.store"),
        *("eepost.services.mta", "eepost.services.pop", "eepost.app.core", "eepost.app.office"),
        *("sqlite3", "sqlalchemy"),
    ),
    "letterbox": (
        *("smtplib", "poplib", "imaplib", "ftplib", "xmlrpc", "webbrowser", "aiosmtplib"),
        *("dns", "dkim", "spf", "httpx", "sqlite3", "sqlalchemy", "alembic"),
        *("eepost.accounts", "eepost.maildrop", "eepost.queue", "eepost.store"),
        *("eepost.services.mta", "eepost.services.pop", "eepost.services.portal"),
        *("eepost.services.gateway", "eepost.services.notify", "eepost.net.clearnet"),
        *("eepost.app.core", "eepost.app.office", "eepost.app.gateway"),
    ),
    "worker": (
        *("eepost.accounts", "eepost.maildrop", "eepost.queue", "eepost.seal", "eepost.store"),
        *("eepost.net", "eepost.services", "eepost.app", "eepost.observe"),
        *("ssl", "asyncio", "cryptography", "sqlite3", "sqlalchemy", "http.client"),
    ),
}
ENTRY = {
    "core": "eepost.app.core",
    "gateway": "eepost.app.gateway",
    "letterbox": "eepost.app.letterbox",
    "worker": "eepost.workers.jobs",
}


def loaded_by(statement: str) -> set[str]:
    program = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("role", sorted(ENTRY))
def test_role_loads_nothing_that_it_has_no_business_with(role: str) -> None:
    loaded = loaded_by(f"import {ENTRY[role]}")
    assert ENTRY[role] in loaded
    assert sorted(loaded.intersection(FORBIDDEN[role])) == []


def test_the_gateways_commands_load_nothing_of_the_cores() -> None:
    start = "import sys\nsys.argv = ['eepost', 'gateway', 'check', '--help']\nimport eepost.app.cli"
    loaded = loaded_by(f"{start}\ntry: eepost.app.cli.main()\nexcept SystemExit: pass")
    assert "eepost.app.cli.gateway" in loaded
    assert sorted(loaded.intersection(FORBIDDEN["gateway"])) == []


def test_the_letterboxs_commands_load_nothing_of_a_server() -> None:
    start = (
        "import sys\nsys.argv = ['eepost', 'letterbox', 'serve', '--help']\nimport eepost.app.cli"
    )
    loaded = loaded_by(f"{start}\ntry: eepost.app.cli.main()\nexcept SystemExit: pass")
    assert "eepost.app.cli.letterbox" in loaded
    assert sorted(loaded.intersection(FORBIDDEN["letterbox"])) == []


def test_the_check_would_see_a_dynamic_import() -> None:
    loaded = loaded_by("import eepost.app.core\n__import__('smtplib')")
    assert "smtplib" in loaded.intersection(FORBIDDEN["core"])
