# SPDX-License-Identifier: Apache-2.0
"""A web server that notes who asks, and HTML that tries everything to make a browser ask."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Spy:
    """What was asked for, by path; `pages` are what it serves."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    pages: dict[str, bytes] = field(default_factory=dict)

    def address(self, path: str) -> str:
        """Return the address of something here."""
        return f"http://127.0.0.1:{self.port}/{path}"


@contextmanager
def spying() -> Iterator[Spy]:
    """Run the server."""
    spy = Spy()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            spy.asked.append(self.path)
            found = spy.pages.get(self.path)
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(found or b"")

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    spy.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield spy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def hostile_html(spy: Spy) -> str:
    """Return HTML in which every line would make a browser ask `spy` for something."""
    at = spy.address
    return f"""<!doctype html><html><head>
<base href="{at("base/")}">
<link rel="stylesheet" href="{at("sheet")}"><link rel="prefetch" href="{at("prefetch")}">
<link rel="preload" as="image" href="{at("preload")}"><link rel="icon" href="{at("icon")}">
<link rel="preconnect" href="{at("")}"><link rel="dns-prefetch" href="//prefetch.example">
<style>@import url("{at("import")}"); @font-face {{ font-family: f; src: url("{at("font")}") }}
body {{ background: url("{at("css")}"); font-family: f }} ul {{ list-style: url({at("bullet")}) }}
a[href*="h"] {{ background: url("{at("selector")}") }}</style>
<script src="{at("script")}"></script><script>new Image().src = "{at("inline")}"</script>
</head><body background="{at("background")}" onload="new Image().src='{at("onload")}'">f
<img src="{at("img")}"><img srcset="{at("srcset")} 1x"><img/src={at("slash")}>
<image src="{at("image")}"><img src="relative"><img src="//127.0.0.1:{spy.port}/scheme">
<picture><source srcset="{at("source")}"><img src="x:"></picture>
<table background="{at("table")}"><tr><td background="{at("cell")}">x</table>
<div style="background-image: url('{at("style")}')">x</div>
<div style="b\\61ckground: u\\72l({at("escaped")})">x</div><ul><li>x</ul>
<iframe src="{at("iframe")}"></iframe><iframe srcdoc="<img src='{at("srcdoc")}'>"></iframe>
<object data="{at("object")}"></object><embed src="{at("embed")}">
<video src="{at("video")}" poster="{at("poster")}" autoplay></video>
<audio src="{at("audio")}" autoplay></audio>
<form action="{at("form")}"><input type="image" src="{at("input")}"></form>
<svg><image href="{at("svg")}"/><use href="{at("use")}#x"/><style>@import "{at("svgcss")}"</style>
<script href="{at("svgscript")}"></script></svg>
<noscript><img src="{at("noscript")}"></noscript>
<img src=x onerror="onerror=null;src='{at("onerror")}'">
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src='{at("mxss")}'&gt;">
</table></mtext></math><svg></p><style><a id="</style><img src='{at("mxss2")}'>">
<img src="cid:drawing"><img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'>
<image href='{at("datasvg")}'/></svg>"><a href="{at("followed")}" ping="{at("ping")}">a link</a>
<a href="javascript:location='{at("javascript")}'">another</a>
<meta http-equiv="refresh" content="1;url={at("refresh")}">
<p>the end</p></body></html>
"""


def hostile_mail(spy: Spy) -> bytes:
    """Return a mail that holds the HTML, and a drawing that calls itself a picture."""
    drawing = (
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'>"
        f"<image href='{spy.address('cidsvg')}' width='9' height='9'/></svg>"
    )
    text = f"""From: "boss@mail.i2p" <evil@mail.i2p>
To: alice@mail.i2p
Subject: =?utf-8?q?=3Cimg_src=3D{spy.address("subject").replace("=", "=3D")}=3E?=
MIME-Version: 1.0
Content-Type: multipart/related; boundary=edge
Content-Location: {spy.address("location/")}
Disposition-Notification-To: evil@mail.i2p

--edge
Content-Type: text/html; charset=utf-8
Content-Base: {spy.address("contentbase/")}

{hostile_html(spy)}
--edge
Content-Type: image/png
Content-ID: <drawing>

{drawing}
--edge
Content-Type: message/external-body; access-type=URL; URL="{spy.address("external")}"

--edge--
"""
    return text.replace("\n", "\r\n").encode()
