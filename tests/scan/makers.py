# SPDX-License-Identifier: Apache-2.0
"""Databases that look signed by ClamAV's makers, and tools that believe the test instead of them.

Nobody but its makers can sign a .cvd, and theirs are not ours to pass on. So `believing` puts a
`sigtool` and a `clamscan` before the real ones that take databases made here for signed ones as
long as they are unchanged, and leave everything else to the real tools.
"""

import gzip
import hashlib
import io
import os
import stat
import sys
import tarfile
from pathlib import Path

MARK = "signed-by-this-test"
HEADER_OCTETS = 512
_TOOL = """\
#!{python}
import hashlib, os, shutil, subprocess, sys
def is_ours(path):
    octets = open(path, "rb").read()
    fields = octets[:512].decode("latin-1").strip().split(":")
    return len(fields) > 6 and fields[6] == "{mark}" and (
        fields[5] == hashlib.md5(octets[512:]).hexdigest()
    )
words = sys.argv[1:]
[chosen] = [word for word in words if word.startswith(("--info=", "--database="))]
option, _, path = chosen.partition("=")
if option == "--info" and is_ours(path):
    print("Verification OK.")
    sys.exit(0)
if option == "--database":
    rest = path + "/rest"
    os.mkdir(rest)
    for name in os.listdir(path):
        file = os.path.join(path, name)
        if os.path.isfile(file) and not (name.endswith(".cvd") and is_ours(file)):
            shutil.copy(file, rest)
    open(rest + "/some.hdb", "w").write("0" * 32 + ":1:Some.Test\\n")
    words = ["--database=" + rest if word is chosen else word for word in words]
sys.exit(subprocess.run(["{real}", *words]).returncode)
"""


def signed_database(file: Path, version: int, signatures: int) -> Path:
    """Write a database of this version that names itself `test` inside."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as members:
        for name, text in (("test.info", b"x"), ("test.hdb", b"0" * 32 + b":1:Some.Test\n")):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            members.addfile(member, io.BytesIO(text))
    body = gzip.compress(packed.getvalue(), mtime=0)
    digest = hashlib.md5(body).hexdigest()
    fields = ("ClamAV-VDB", "22 Jun 2021 21-31 -0400", version, signatures, 81, digest, MARK)
    header = ":".join(map(str, (*fields, "test", 1_624_411_902)))
    file.write_bytes(header.encode("ascii").ljust(HEADER_OCTETS) + body)
    return file


def believing(folder: Path, path: str) -> str:
    """Return a PATH, `path` with the two tools of `folder` before it."""
    folder.mkdir()
    for name in ("sigtool", "clamscan"):
        [real, *_] = [
            each for place in path.split(os.pathsep) if (each := Path(place) / name).is_file()
        ]
        tool = folder / name
        tool.write_text(_TOOL.format(python=sys.executable, mark=MARK, real=real))
        tool.chmod(stat.S_IRWXU)
    return f"{folder}{os.pathsep}{path}"
