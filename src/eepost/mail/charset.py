# SPDX-License-Identifier: Apache-2.0
"""Octets of a named character set to text: by a closed table of names, and never failing.

Trust: anybody may have chosen both the name and the octets.

A table and not Python's own lookup, since that knows `idna`, `punycode` (quadratic), `zlib` and
`unicode_escape`, imports modules by the name it is given, and takes names literally that mail
programs use loosely: who writes ISO-8859-1 or US-ASCII means Windows-1252 (WHATWG Encoding 4.2).
"""

# Octets that are read as far as they can be in a character set that they are not in: what can't be
# costs up to 0.2 us each.
MAX_REPLACED_OCTETS = 1_000_000

_NAMES_BY_CODEC = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 x-utf-8 utf-8mb4 us-ascii ascii 646 ansi_x3.4-1968",
    "utf-7": "utf-7 unicode-1-1-utf-7 x-unicode-2-0-utf-7",
    "utf-16": "utf-16 unicode ucs-2 iso-10646-ucs-2",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be",
    "utf-32": "utf-32 ucs-4",
    "cp1252": "iso-8859-1 iso8859-1 iso_8859-1 iso88591 latin1 latin-1 l1 windows-1252 cp1252 "
    "cp-1252 x-cp1252 x-ansi 8859-1 iso-latin-1 ansi default 8bit iso-8859-1-windows-3.1-latin-1",
    "cp1250": "windows-1250 cp1250 x-cp1250",
    "cp1251": "windows-1251 cp1251 cp-1251 x-cp1251 win-1251",
    "cp1253": "windows-1253 cp1253",
    "cp1254": "windows-1254 cp1254 iso-8859-9 iso8859-9 iso_8859-9 latin5",
    "cp1255": "windows-1255 cp1255",
    "cp1256": "windows-1256 cp1256",
    "cp1257": "windows-1257 cp1257",
    "cp1258": "windows-1258 cp1258",
    "iso8859-2": "iso-8859-2 iso8859-2 iso_8859-2 latin2 latin-2",
    "iso8859-3": "iso-8859-3 iso8859-3",
    "iso8859-4": "iso-8859-4 iso8859-4",
    "iso8859-5": "iso-8859-5 iso8859-5",
    "iso8859-6": "iso-8859-6 iso8859-6 iso-8859-6-i iso-8859-6-e",
    "iso8859-7": "iso-8859-7 iso8859-7",
    "iso8859-8": "iso-8859-8 iso8859-8 iso-8859-8-i iso-8859-8-e logical",
    "iso8859-10": "iso-8859-10",
    "iso8859-13": "iso-8859-13",
    "iso8859-14": "iso-8859-14",
    "iso8859-15": "iso-8859-15 iso8859-15 iso_8859-15 latin9 latin-9",
    "iso8859-16": "iso-8859-16",
    "cp874": "tis-620 windows-874 iso-8859-11 cp874",
    "koi8-r": "koi8-r koi8 koi",
    "koi8-u": "koi8-u koi8-ru",
    "cp437": "cp437 ibm437",
    "cp850": "cp850 ibm850 cp-850",
    "cp852": "cp852 ibm852",
    "cp866": "cp866 ibm866",
    "mac-roman": "macintosh mac x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic",
    "gb18030": "gb18030 gb2312 gbk x-gbk cp936 ms936 gb_2312-80 csgb2312 euc-cn x-euc-cn",
    "hz": "hz-gb-2312 hz",
    "big5hkscs": "big5 big5-hkscs x-x-big5 cn-big5 cp950 ms950",
    "cp932": "shift_jis shift-jis sjis x-sjis ms932 cp932 windows-31j ms_kanji",
    "euc_jp": "euc-jp x-euc-jp eucjp",
    "iso2022_jp_ext": "iso-2022-jp csiso2022jp iso-2022-jp-1 iso-2022-jp-ms",
    "iso2022_jp_2": "iso-2022-jp-2",
    "iso2022_jp_3": "iso-2022-jp-3",
    "cp949": "euc-kr ks_c_5601-1987 ks_c_5601 ksc5601 ksc_5601 cp949 windows-949 x-windows-949",
    "iso2022_kr": "iso-2022-kr",
}
_CODECS = {
    name.replace("_", "-"): codec
    for codec, names in _NAMES_BY_CODEC.items()
    for name in names.split()
}

# Windows-1252 over Latin-1. Five octets mean nothing in it and stay C1 controls, as in browsers.
_WESTERN = {
    at: bytes((at,)).decode("cp1252")
    for at in range(0x80, 0xA0)
    if at not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}

# Character sets of seven bits that carry eight: the other ones of the same language are meant.
_CONFUSED = {
    "iso2022_jp_ext": ("euc_jp", "cp932"),
    "iso2022_kr": ("cp949",),
    "hz": ("gb18030",),
}


def decode_text(octets: bytes, charset: str = "") -> str:
    """Return the text that `octets` are in `charset`, a name in any case, known or not.

    Where they aren't, they are tried as UTF-8 and else taken for Windows-1252: for text whose
    declaration is missing or wrong these two are right nearly always.
    """
    codec = _CODECS.get(_normal(charset), "utf-8")
    for attempt in (codec, *_CONFUSED.get(codec, ()), "utf-8"):
        try:
            return _whole(octets.decode(attempt), codec)
        except UnicodeDecodeError:
            continue
    if codec in {"utf-8", "cp1252"} or len(octets) > MAX_REPLACED_OCTETS:
        return octets.decode("latin-1").translate(_WESTERN)
    return _whole(octets.decode(codec, "replace"), codec)


def codec_names() -> frozenset[str]:
    """Return Python's names of all codecs that may be used, for who has to load them beforehand."""
    return frozenset(_CODECS.values()).union(*_CONFUSED.values())


def is_known_charset(charset: str) -> bool:
    """Say whether `charset` names a character set of the table."""
    return _normal(charset) in _CODECS


def _normal(charset: str) -> str:
    return charset.strip().lower().replace("_", "-")


def _whole(text: str, codec: str) -> str:
    # UTF-7 may carry halves of surrogate pairs, which no encoding can write again.
    if codec != "utf-7":
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
