# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.sanitise.golden`: shows which results differ; `--write` writes them anew."""

import sys

from tests.sanitise.golden import FOLDER, cases


def main(arguments: list[str]) -> int:
    """Write or compare all results; return how many differ, at most 1."""
    writes = "--write" in arguments
    wanted = {
        case.folder / name: octets for case in cases() for name, octets in case.files().items()
    }
    sources = {"message.eml", "policy", "README.md"}
    standing = {path for path in FOLDER.glob("*-*/*") if path.name not in sources}
    different = [
        path
        for path in sorted(standing | wanted.keys())
        if not path.exists() or path.read_bytes() != wanted.get(path)
    ]
    for path in different:
        print(path.relative_to(FOLDER))  # noqa: T201 - its whole purpose
        if writes and path in wanted:
            path.write_bytes(wanted[path])
        elif writes:
            path.unlink()
    return int(bool(different) and not writes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
