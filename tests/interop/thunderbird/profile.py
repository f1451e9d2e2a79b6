# SPDX-License-Identifier: Apache-2.0
"""A Thunderbird profile with one account that speaks to nothing but the post office."""

import json
from pathlib import Path
from typing import Final

from tests.interop.running import Desk

Preference = str | int | bool

# What Thunderbird asks the network for by itself. The namespace would hold it back anyway; with
# these it doesn't even try, and does not wait for what can't come.
_SILENCE: Final[dict[str, Preference]] = {
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "calendar.timezone.local": "UTC",
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.blocklist.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "mail.chat.enabled": False,
    "mail.instrumentation.postUrl": "",
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mailnews.auto_config_url": "",
    "mailnews.start_page.enabled": False,
    "media.gmp-manager.url": "",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "security.OCSP.enabled": 0,
    "services.settings.server": "http://127.0.0.1:9/v1",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
    "toolkit.telemetry.unified": False,
    # Web requests go to a port where nobody is; mail goes straight to this machine.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.no_proxies_on": "127.0.0.1",
    "network.proxy.allow_hijacking_localhost": False,
    "network.trr.mode": 5,
}
_PLAIN_PASSWORD: Final = 3  # nsMsgAuthMethod.passwordCleartext
_NO_TLS: Final = 0  # nsMsgSocketType.plain


def write_profile(desk: Desk, keep: bool) -> Path:
    """Write the preferences of a profile in `desk.home`, which may exist from an earlier run."""
    profile = desk.home / "thunderbird"
    profile.mkdir(exist_ok=True)
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});"
        for name, value in (_SILENCE | _account(desk, profile, keep)).items()
    ]
    (profile / "user.js").write_text("\n".join(lines) + "\n")
    return profile


def _account(desk: Desk, profile: Path, keep: bool) -> dict[str, Preference]:
    server: dict[str, Preference] = {
        "type": "pop3",
        "hostname": "127.0.0.1",
        "port": desk.pop3_port,
        "userName": desk.account,
        "name": "post office",
        "authMethod": _PLAIN_PASSWORD,
        "socketType": _NO_TLS,
        "directory": str(profile / "Mail" / "office"),
        "directory-rel": "[ProfD]Mail/office",
        "leave_on_server": keep,
        "delete_mail_left_on_server": False,
        "check_new_mail": False,
        "login_at_startup": False,
        "download_on_biff": False,
    }
    identity: dict[str, Preference] = {
        "fullName": "Alice",
        "useremail": desk.address,
        "smtpServer": "smtp1",
        "valid": True,
        "compose_html": False,
        "doFcc": False,
    }
    smtp: dict[str, Preference] = {
        "hostname": "127.0.0.1",
        "port": desk.smtp_port,
        "username": desk.account,
        "authMethod": _PLAIN_PASSWORD,
        "try_ssl": _NO_TLS,
    }
    local: dict[str, Preference] = {
        "type": "none",
        "hostname": "Local Folders",
        "userName": "nobody",
        "name": "Local Folders",
        "directory-rel": "[ProfD]Mail/Local Folders",
    }
    return {
        "marionette.port": 0,  # the kernel chooses; it is then written into the profile
        "mail.accountmanager.accounts": "account1,account2",
        "mail.accountmanager.defaultaccount": "account1",
        "mail.accountmanager.localfoldersserver": "server2",
        "mail.account.account1.server": "server1",
        "mail.account.account1.identities": "id1",
        "mail.account.account2.server": "server2",
        "mail.smtpservers": "smtp1",
        "mail.smtp.defaultserver": "smtp1",
        **{f"mail.server.server1.{name}": value for name, value in server.items()},
        **{f"mail.server.server2.{name}": value for name, value in local.items()},
        **{f"mail.identity.id1.{name}": value for name, value in identity.items()},
        **{f"mail.smtpserver.smtp1.{name}": value for name, value in smtp.items()},
    }
