# SPDX-License-Identifier: Apache-2.0
"""Takes new signing keys into use, in two steps: made and published first, signed with later.

A key that others can't look up yet, or no more, makes mail look forged. So the next keys sign only
once the DNS has them, and the old ones stay published for a while: what they signed is on its way
for days. Their private halves are destroyed at once; who takes the gateway's disk later can sign
nothing with them.
"""

import re
from pathlib import Path

from eepost.app.gateway_keys import (
    ED25519_SUFFIX,
    FOLDER,
    RSA_SUFFIX,
    Published,
    keys_in,
    make_keys_in,
    published,
    read_keys,
)
from eepost.app.ownership import make_private_folder
from eepost.net.i2p.keys import write_private
from eepost.services.gateway.signing import SigningKey

NEXT, RETIRED = "next", "retired"
# Mail waits for up to five days to be delivered, and is looked at again when it is fetched.
RETIRED_DAYS = 14
_DAY_SECONDS = 86_400
_RETIRED = re.compile(r"([0-9]{1,8}) (v=DKIM1; [\x20-\x7e]{1,1000})\n")


def begin(directory: Path) -> None:
    """Make the next keys, if there are none yet. Raises OSError."""
    make_private_folder(directory / FOLDER / NEXT)
    make_keys_in(directory / FOLDER / NEXT)


def next_keys(directory: Path) -> tuple[SigningKey, ...]:
    """Return keys that were made and do not sign yet."""
    return keys_in(directory / FOLDER / NEXT)


def finish(directory: Path, now_utc: int) -> None:
    """Let the next keys sign from the gateway's next start on, and no others.

    Raises ConfigError, OSError. Whatever is cut short here leaves keys that are all published.
    """
    folder = directory / FOLDER
    make_private_folder(folder / RETIRED)
    old = read_keys(directory)
    for key in old:
        (folder / RETIRED / key.selector).unlink(missing_ok=True)  # of one that was cut short
        line = f"{now_utc // _DAY_SECONDS} {published(key).text}\n"
        write_private(folder / RETIRED / key.selector, line.encode("ascii"))
    for key in next_keys(directory):
        name = key.selector + (RSA_SUFFIX if key.is_rsa else ED25519_SUFFIX)
        (folder / NEXT / name).rename(folder / name)
    for key in old:
        (folder / (key.selector + (RSA_SUFFIX if key.is_rsa else ED25519_SUFFIX))).unlink()


def retired(directory: Path, now_utc: int) -> tuple[Published, ...]:
    """Return what has to stay in the DNS for now, though nothing is signed with it any more.

    Raises OSError.
    """
    kept = []
    for file in sorted((directory / FOLDER / RETIRED).glob("*")):
        found = _RETIRED.fullmatch(file.read_text("ascii", "replace"))
        if found and now_utc // _DAY_SECONDS - int(found[1]) <= RETIRED_DAYS:
            kept.append(Published(file.name, found[2]))
    return tuple(kept)
