# SPDX-License-Identifier: Apache-2.0
"""Files that do something when they are opened: told by their names and by what they are."""

# Types of files that run something, whatever they are called.
ACTIVE_TYPES = frozenset(
    {
        *("application/ecmascript", "application/hta", "application/javascript"),
        *("application/vnd.microsoft.portable-executable", "application/x-javascript"),
        *("application/x-ms-shortcut", "application/x-msdos-program", "application/x-msdownload"),
        *("application/x-sh", "image/svg+xml", "text/ecmascript", "text/javascript"),
    }
)
# What systems start, mount or run scripts from when it is opened.
_EXTENSIONS = frozenset(
    {
        *("apk", "app", "bat", "chm", "cmd", "com", "cpl", "dll", "dmg", "exe", "gadget", "hta"),
        *("htm", "html", "img", "inf", "iso", "jar", "js", "jse", "lnk", "mht", "mhtml", "msc"),
        *("msi", "msp", "one", "pif", "ps1", "psm1", "py", "reg", "scr", "sct", "sh", "svg"),
        *("url", "vb", "vbe", "vbs", "vhd", "vhdx", "ws", "wsf", "wsh", "xhtml", "xll"),
        *("docm", "dotm", "pptm", "ppam", "xlsm", "xlam", "xltm"),
    }
)
_MAGIC = (
    b"MZ",  # Windows programs
    b"\x7fELF",
    b"L\0\0\0\x01\x14\x02\0",  # Windows shortcuts
    b"#!",
)
_DOCUMENT = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # old office documents, installers
# Names in the directory of an old office document, UTF-16; and of a part in a new one.
_MACROS = ("_VBA_PROJECT".encode("utf-16-le"), "Macros".encode("utf-16-le"))
_MACROS_IN_ARCHIVE = b"vbaProject.bin"
_MARKUP = (b"<html", b"<!doctype html", b"<svg", b"<script", b"<hta:")
_ISO_AT = 32_769


def is_dangerous(name: str, octets: bytes) -> bool:
    """Say whether opening the file may run something, by its clean name or by its octets."""
    if "." in name and name.rpartition(".")[2].lower() in _EXTENSIONS:
        return True
    if octets.startswith(_MAGIC) or octets[_ISO_AT : _ISO_AT + 5] == b"CD001":
        return True
    if octets.startswith(_DOCUMENT):
        return any(each in octets for each in _MACROS)
    if octets.startswith(b"PK\x03\x04"):
        return _MACROS_IN_ARCHIVE in octets
    return any(each in octets[:1_024].lower() for each in _MARKUP)
