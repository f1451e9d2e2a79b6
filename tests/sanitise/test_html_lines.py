# SPDX-License-Identifier: Apache-2.0
"""Lines of HTML in one shape, whatever a program makes them of."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.sanitise.html import rebuild_html
from tests.sanitise.damage import shown_words


def body_of(text: str) -> str:
    made = rebuild_html(text, lambda reference: reference if reference == "cid:a" else None)
    return made.partition("<body>\r\n")[2].removesuffix("\r\n</body></html>\r\n").replace("\r", "")


SAME = (
    "<p>Hello Bob,</p><p>the <b>caf\u00e9</b> opens<br>at nine.</p>",
    "<p>Hello Bob,<br></p>\n<p>the <strong>caf\u00e9</strong> opens<br>\nat nine.</p>\n<p><br></p>",
    '<div dir="ltr">Hello Bob,<div><br></div><div>the <b>caf\u00e9</b> opens</div>'
    "<div>at nine.</div></div>",
    'Hello Bob,<div class=""><br class=""></div><div class="">the&nbsp;<b class="">caf\u00e9</b> '
    'opens</div><div class="">at nine.</div>',
    "<div class=WordSection1><p class=MsoNormal>Hello Bob,<o:p></o:p></p>"
    "<p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>the <b>ca</b><b>f\u00e9</b> opens"
    "<o:p></o:p></p><p class=MsoNormal>at nine.<o:p></o:p></p></div>",
    "<HTML><BODY>Hello Bob,<BR>\r\n<BR>\r\nthe <B>caf&eacute;</B> opens<BR>at nine.<BR></BODY>",
    "<div>Hello Bob,</div><div>&nbsp;</div><div>the <b>caf\u00e9 </b>opens</div>"
    "<div>at nine.</div>",
    '<div><span style="font-size:12pt">Hello Bob,</span><br><br><font face=Arial>the <b>caf\u00e9'
    "</b> opens</font></div><div>at nine.<i></i></div>",
    '<p style=" margin-top:0px; margin-bottom:0px; text-indent:0px;">Hello Bob,</p>'
    '<p style="margin: 0"><br /></p><p style="margin:0cm;margin-bottom:.0001pt" class=x>the '
    "<b>caf\u00e9</b> opens</p><p style='margin:0 !important' class=MsoPlainText>at nine.</p>",
    "<p style='margin:0 0 9pt'>Hello Bob,</p><p style='x-margin:0'>the <b>caf\u00e9</b> opens<br>"
    "at nine.</p>",
    "<center></center><p>Hello Bob,</p><p></p><p>the <b>caf\u00e9</b> opens</br>at nine.",
)


@pytest.mark.parametrize("text", SAME)
def test_programs_write_the_same_lines_alike(text: str) -> None:
    assert body_of(text) == (
        "Hello Bob,<br>\n<br>\nthe <strong>caf\u00e9</strong> opens<br>\nat nine."
    )


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("<b><p>a</p><p>b</p></b>c", "<strong>a<br>\n<br>\nb</strong><br>\n<br>\nc"),
        ("<ul><li>a<ul><li><p>b</p></ul></ul>c", None),
        ("<div dir=rtl>a<p dir=rtl>b</p>c</div>d", None),
        ("a<br><br><table><tr><td>1<br>2<td><p>3</p></table>b", None),
        ("a<hr>b<h2>c</h2><p>d</p>", "a\n<hr>\nb\n<h2>c</h2>\nd"),
        ("x<pre> a\n  <b>b</b><br></pre>c", "x\n<pre> a\n  <strong>b</strong><br></pre>\nc"),
        ("<pre>a<pre>b</pre></pre>", None),
        ("&nbsp;&nbsp; &nbsp;code<br>&nbsp;one", "&nbsp;&nbsp;&nbsp; code<br>\none"),
        ("a&nbsp;b&nbsp; c&nbsp;&nbsp;&nbsp;d", "a b c&nbsp;&nbsp; d"),
        ("<a>x</a> <a href='http://y/'>z</a>", 'x <a href="http://y/">z</a>'),
        ("<b><ul><li>a</ul></b>", "<strong>\n<ul>\n<li>a</li>\n</ul>\n</strong>"),
        ("<blockquote type=cite>a</blockquote><br>b", "<blockquote>a</blockquote>\nb"),
        (" <p> </p> ", ""),
    ],
)
def test_other_shapes_stay(text: str, lines: str | None) -> None:
    made = body_of(text)
    assert lines is None or made == lines
    assert body_of(made) == made
    assert words_of(made) == words_of(text)


def test_pictures_that_may_not_be_shown_are_their_words() -> None:
    made = body_of("<img src='cid:a' width=1 alt=x> <img src=b alt='&quot;c&quot;'><img src=d>")
    assert made == '<img alt="x" src="cid:a" width="1"> "c"'


def words_of(text: str) -> str:
    return "".join(re.findall(r"\w+", shown_words(text)))


WORDS = ("a", " b ", "c d", "&nbsp;", "&nbsp;&nbsp; &nbsp;", "\n", "<br>", "&lt;")
INLINE = ("<b>{}</b>", "<i>{}</i>", "<span>{}</span>", "<b> {} </b>", "{}", "{}{}")
LINES = (
    *("<p>{}</p>", "<div>{}</div>", "<p class=MsoNormal>{}</p>", "<div dir=rtl>{}</div>", "{}<br>"),
    *("<h1>{}</h1>", "<p>{}\n</p>\n", "<pre>{}</pre>", "<a href='http://x/'>{}</a>", "<p>{}<hr>"),
)
BLOCKS = (
    *("<ul><li>{}</ul>", "<table><td>{}</table>", "<blockquote>{}</blockquote>", "<div>{}</div>"),
    *("<dl><dt>{}</dl>", "<center>{}</center>", "{}{}", "{}<div>{}</div>", "<ol><li>{}<li>{}</ol>"),
)


def filled(shapes: tuple[str, ...], inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda shape, one, two: shape.format(one, two), st.sampled_from(shapes), inside, inside
    )


TEXT = st.recursive(
    st.sampled_from([*WORDS, "<img src=cid:a>", "<img src=x alt=w>"]),
    lambda inside: filled(INLINE, inside),
    max_leaves=6,
)
TREE = st.recursive(filled(LINES, TEXT), lambda inside: filled(BLOCKS, inside), max_leaves=6)


@given(TREE)
def test_doing_it_twice_changes_nothing(text: str) -> None:
    made = body_of(text)
    assert body_of(made) == made


SOUP = st.sampled_from(
    [
        *(*WORDS, "<p>", "</p>", "<div>", "</div>", "<b>", "</b>", "<i>", "</i>", "<a>", "</a>"),
        *("<a href='http://x/'>", "<ul><li>", "</ul>", "<table><td>", "</table>", "<pre>"),
        *("</pre>", "<blockquote>", "</blockquote>", "<hr>", "<div dir=rtl>", "<p dir=rtl>"),
        *("<p class=MsoNormal>", "<h1>", "</h1>", "<img src=cid:a>", "<img src=x alt=w>"),
        *("<dl><dt>", "</dl>", "<center>"),
    ]
)


@given(st.lists(SOUP | TREE, max_size=25))
def test_no_word_is_lost(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert words_of(text.replace("<img src=x alt=w>", "w")) == words_of(body_of(text))
