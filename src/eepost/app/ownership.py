# SPDX-License-Identifier: Apache-2.0
"""Lets what root makes in a data directory belong to the user that the directory belongs to.

Else a service that runs as that user could not read what its operator has set up with sudo.
"""

import os
from pathlib import Path


def give_to_owner(path: Path) -> None:
    """Give `path` to the owner of the folder it lies in, where we are root. Raises OSError."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def make_private_folder(folder: Path) -> None:
    """Make a folder that only the owner of the one above it can enter. Raises OSError.

    One that is there already is given to that owner as well.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    give_to_owner(folder)
