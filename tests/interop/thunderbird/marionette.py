# SPDX-License-Identifier: Apache-2.0
"""A client of Marionette, the remote control that Mozilla's programs have built in.

A packet is the length of a JSON text in decimal digits, a colon, and the text. A command is
`[0, id, name, parameters]`, its answer `[1, id, error, result]`.
"""

import json
import socket
from typing import Any

# A script may wait for a whole submission.
SCRIPT_SECONDS = 40


class Marionette:
    """One connection, in the context in which scripts may do what the program itself may."""

    def __init__(self, port: int) -> None:
        """Connect to `port` on this machine and begin a session."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SCRIPT_SECONDS + 5)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._receive()  # says who it is
        self._call("WebDriver:NewSession", capabilities={})
        self._call("Marionette:SetContext", value="chrome")

    def run(self, script: str, **given: object) -> Any:
        """Run the body of an asynchronous function that knows `given`; return what it returns."""
        return self._call(
            "WebDriver:ExecuteAsyncScript",
            script=f"""
                const [given, done] = arguments;
                (async () => {{ {script} }})().then(
                    value => done({{value}}), error => done({{error: String(error)}}));
            """,
            args=[given],
            scriptTimeout=SCRIPT_SECONDS * 1000,
        )["value"]

    def quit(self) -> None:
        """Let the program end as its menu would."""
        self._call("Marionette:Quit", flags=["eForceQuit"])
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._socket.close()

    def _call(self, name: str, **parameters: object) -> Any:
        self._number += 1
        text = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(text), text))
        _, number, error, result = self._receive()
        assert number == self._number
        assert error is None, error
        return result

    def _receive(self) -> Any:
        digits = b""
        while not digits.endswith(b":"):
            octet = self._stream.read(1)
            if not octet:
                raise EOFError("the program ended")
            digits += octet
        return json.loads(self._stream.read(int(digits[:-1])))
