# SPDX-License-Identifier: Apache-2.0
"""Parts of office documents that are zip files (OOXML, OpenDocument): who, when and where goes.

What is read stays. Of comments and tracked changes the words stay; who made them becomes "Author"
for all, as Word's own inspection of documents does.
"""

import re
from collections.abc import Callable, Collection

_EMPTY_CORE = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><cp:coreProperties xmlns:cp='
    b'"http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>'
)
_EMPTY_PROPERTIES = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Properties xmlns='
    b'"http://schemas.openxmlformats.org/officeDocument/2006/%s-properties"/>'
)
_EMPTY_META = (
    b'<?xml version="1.0" encoding="UTF-8"?><office:document-meta xmlns:office='
    b'"urn:oasis:names:tc:opendocument:xmlns:office:1.0" office:version="1.2"><office:meta/>'
    b"</office:document-meta>"
)
_NOBODY = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w15:people xmlns:w15='
    b'"http://schemas.microsoft.com/office/word/2012/wordml"/>'
)

Clean = Callable[[bytes], bytes]
_Substitutions = tuple[tuple[bytes, bytes], ...]


def _always(content: bytes) -> Clean:
    return lambda _: content


def _substituted(*substitutions: tuple[bytes, bytes]) -> Clean:
    patterns = [(re.compile(pattern), by) for pattern, by in substitutions]

    def clean(content: bytes) -> bytes:
        for pattern, by in patterns:
            content = pattern.sub(by, content)
        return content

    return clean


# Word numbers its editing sessions. Each is an attribute of a paragraph or a run.
_SESSIONS = (rb' w:rsid[A-Za-z]{0,20}="[0-9A-Fa-f]{1,8}"', b"")
_SESSION_LIST = (
    rb'<w:rsids>(?:<w:rsid(?:Root)? w:val="[0-9A-Fa-f]{1,8}"/>\s*+)*</w:rsids>',
    b"",
)
_WORD = _substituted(
    _SESSIONS,
    _SESSION_LIST,
    (rb' w:author="[^"]*+"', b' w:author="Author"'),
    (rb' w:initials="[^"]*+"', b' w:initials="A"'),
    (rb' (?:w|w16du|w16cex):date(?:Utc)?="[^"]*+"', b""),
)
# Attributes and elements one by one, each with its own text: to put together what was found with
# what takes its place would take six times as long.
_NAMES = (b"name", b"displayName", b"userId", b"providerId")
_NEVER = b"1970-01-01T00:00:00"
_TIMES = (b"dT", b"dt", b"created")
_CREATORS = (b"dc:creator", b"meta:creator-initials", b"loext:sender-initials")
# Where a template, a data source or a linked picture lies on its author's disk.
_RELATIONS = _substituted((rb' Target="file:[^"]*+"', b' Target="file:///"'))
_WORKBOOK = _substituted(
    (rb'(<x15ac:absPath [^<>]{0,300}?url=")[^"]*+"', rb'\1"'),
    (rb"<xr:revisionPtr [^<>]*+>", b""),
    (rb'(<fileSharing [^<>]{0,300}?userName=")[^"]*+"', rb'\1"'),
)
_PEOPLE = _substituted(
    *((rb' %s="[^"]*+"' % name, b' %s="Author"' % name) for name in _NAMES),
    (rb' initials="[^"]*+"', b' initials="A"'),
    (rb"<author>[^<]*+</author>", b"<author>Author</author>"),
    (rb"(<author [^<>]*+>)[^<]*+</author>", rb"\1Author</author>"),
    *((rb' %s="[^"]*+"' % name, b' %s="%s"' % (name, _NEVER)) for name in _TIMES),
)
_OPEN_DOCUMENT = _substituted(
    *((rb"<%s>[^<]*+<" % name, b"<%s>Author<" % name) for name in _CREATORS),
    (rb"<dc:date>[^<]*+<", b"<dc:date>%s<" % _NEVER),
    (rb' officeooo:(?:paragraph-)?rsid="[^"]*+"', b""),
)
_SETTINGS = _substituted(
    (
        rb'(<config:config-item config:name="Printer(?:Name|Setup)"[^<>]*+>)[^<]*+<',
        rb"\1<",
    ),
    (rb'(<config:config-item config:name="Rsid(?:Root)?"[^<>]*+>)[^<]*+<', rb"\g<1>0<"),
)


def _blank(content: bytes) -> bytes:
    return bytes(len(content))


_OOXML: tuple[tuple[re.Pattern[bytes], Clean], ...] = tuple(
    (re.compile(name), clean)
    for name, clean in (
        (rb"docProps/core\.xml", _always(_EMPTY_CORE)),
        (rb"docProps/app\.xml", _always(_EMPTY_PROPERTIES % b"extended")),
        (rb"docProps/custom\.xml", _always(_EMPTY_PROPERTIES % b"custom")),
        (rb"word/people\.xml", _always(_NOBODY)),
        (rb"word/(?:glossary/)?[a-zA-Z]+\d*\.xml", _WORD),
        (rb"(?:.*/)?_rels/[^/]*\.rels", _RELATIONS),
        (rb"xl/workbook\.xml", _WORKBOOK),
        (rb"xl/(?:persons|threadedComments)/[^/]+\.xml|xl/comments\d*\.xml", _PEOPLE),
        (rb"ppt/(?:commentAuthors|authors)\.xml|ppt/comments/[^/]+\.xml", _PEOPLE),
        (rb"(?:xl|word|ppt)/printerSettings/[^/]+\.bin", _blank),
    )
)
_ODF: tuple[tuple[re.Pattern[bytes], Clean], ...] = tuple(
    (re.compile(name), clean)
    for name, clean in (
        (rb"(?:[^/]+/)?meta\.xml", _always(_EMPTY_META)),
        (rb"(?:[^/]+/)?settings\.xml", _SETTINGS),
        (rb"(?:[^/]+/)?(?:content|styles)\.xml", _OPEN_DOCUMENT),
    )
)
# Names by which the two kinds of archive are known.
_OOXML_MARK, _ODF_MARK = b"[Content_Types].xml", b"META-INF/manifest.xml"


def part_rules(names: Collection[bytes]) -> Callable[[bytes], Clean | None]:
    """Return what gives the rule for a part by its name, None for parts without one.

    `names` are those of all entries: the same names mean nothing in other archives.
    """
    rules = (_OOXML if _OOXML_MARK in names else ()) + (_ODF if _ODF_MARK in names else ())
    return lambda name: next((clean for each, clean in rules if each.fullmatch(name)), None)
