# SPDX-License-Identifier: Apache-2.0
"""Names and types of attached files, written in one way."""

import re
import unicodedata

# Characters of a file name; every file system takes 200 octets, and few names need a third.
MAX_NAME_CHARACTERS = 100

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f"*:<>?|\\/\u200e\u200f\u202a-\u202e\u2066-\u2069]')
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")

# The type follows from the name where there is one that all know: programs disagree about types
# (image/pjpeg, application/x-zip-compressed) and tell themselves by that.
_BY_EXTENSION = {
    "3gp": "video/3gpp",
    "7z": "application/x-7z-compressed",
    "aif": "audio/x-aiff",
    "aiff": "audio/x-aiff",
    "avi": "video/x-msvideo",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "eml": "message/rfc822",
    "eps": "application/postscript",
    "epub": "application/epub+zip",
    "flac": "audio/flac",
    "gif": "image/gif",
    "gz": "application/gzip",
    "heic": "image/heic",
    "htm": "text/html",
    "html": "text/html",
    "ics": "text/calendar",
    "jp2": "image/jp2",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "ps": "application/postscript",
    "rar": "application/vnd.rar",
    "rtf": "application/rtf",
    "svg": "image/svg+xml",
    "tar": "application/x-tar",
    "tgz": "application/gzip",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain",
    "vcf": "text/vcard",
    "wav": "audio/x-wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "wma": "audio/x-ms-wma",
    "wmv": "video/x-ms-wmv",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
}
_KEPT_TYPES = frozenset(_BY_EXTENSION.values()) | {"application/pgp-keys", "audio/basic"}
# Types that mean more than what the file is called.
_LEADING_TYPES = frozenset(("application/autocrypt-setup", "application/pgp-keys"))
_UNKNOWN = "application/octet-stream"


def file_name(text: str) -> str:
    """Return the base name in `text`, composed (NFC), without what no file system or eye takes."""
    base = re.split(r"[\\/]", text)[-1]
    name = _FORBIDDEN.sub("", unicodedata.normalize("NFC", base)).strip(" .")
    if len(name) <= MAX_NAME_CHARACTERS:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        return name[:MAX_NAME_CHARACTERS]
    return f"{stem[: MAX_NAME_CHARACTERS - len(extension) - 1]}.{extension}"


def file_type(name: str, declared: str) -> str:
    """Return the one media type for a file: by its extension, else as declared where known."""
    if declared in _LEADING_TYPES:
        return declared
    known = _BY_EXTENSION.get(name.rpartition(".")[2].lower()) if "." in name else None
    if known is not None:
        return known
    return declared if declared in _KEPT_TYPES else _UNKNOWN


def is_type(text: str) -> bool:
    """Say whether `text` is a media type in its normal spelling."""
    return _TYPE.fullmatch(text) is not None
