# SPDX-License-Identifier: Apache-2.0
"""A browser in its smallest form: cookies, links, forms with their hidden fields, redirects."""

import http.client
import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    octets: bytes

    @property
    def text(self) -> str:
        return self.octets.decode()


@dataclass
class Browser:
    """One person's browser at the portal on `port`."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Answer:
        """Open a page, following redirects."""
        answer = self.request("GET", path)
        while answer.status == 303:
            answer = self.request("GET", answer.headers["location"])
        return answer

    def submit(self, path: str, /, **typed: str) -> Answer:
        """Open the page at `path`, fill its form in and send it, following redirects."""
        hidden = {name: unescape(text) for name, text in _HIDDEN.findall(self.get(path).text)}
        return self.post(path, {**hidden, **typed})

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a form with exactly these fields, following redirects."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.request("POST", path, urlencode(fields).encode(), kind)
        return self.get(answer.headers["location"]) if answer.status == 303 else answer

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request and return its answer, whatever it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(
            method,
            path,
            body or None,
            {**({"Cookie": cookie} if cookie else {}), **(headers or {})},
        )
        response = connection.getresponse()
        octets = response.read()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        found = {name.lower(): value for name, value in response.getheaders()}
        connection.close()
        return Answer(response.status, found, octets)
