# SPDX-License-Identifier: Apache-2.0
"""A stream of lines with an IRC server, seen from a user's client or from a linked server."""

import re
import socket
import time

WAIT_SECONDS = 20.0


class Conversation:
    """Lines of one connection. PING is answered by whatever waits."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS)
        self._octets = b""
        self.heard: list[str] = []
        self._read = 0  # lines that an answer was found in already

    def say(self, *lines: str) -> None:
        """Send lines."""
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def wait_for(self, pattern: str, seconds: float = WAIT_SECONDS) -> re.Match[str]:
        """Return the first line after the last one found that holds `pattern`."""
        end = time.monotonic() + seconds
        while True:
            while self._read < len(self.heard):
                line = self.heard[self._read]
                self._read += 1
                if found := re.search(pattern, line):
                    return found
            if not self._hear(end - time.monotonic()):
                raise AssertionError(f"no {pattern!r} after {self.heard[-12:]}")

    def hears(self, pattern: str, seconds: float) -> bool:
        """Whether such a line comes within so long."""
        try:
            self.wait_for(pattern, seconds)
        except AssertionError:
            return False
        return True

    def close(self) -> None:
        """Leave without a word."""
        self._socket.close()

    def _hear(self, seconds: float) -> bool:
        if seconds <= 0:
            return False
        self._socket.settimeout(seconds)
        try:
            octets = self._socket.recv(65_536)
        except TimeoutError:
            return False
        if not octets:
            raise AssertionError(f"the server hung up after {self.heard[-12:]}")
        *whole, self._octets = (self._octets + octets).split(b"\n")
        for each in whole:
            line = each.decode("utf-8", "replace").rstrip("\r")
            self.heard.append(line)
            if ping := re.match(r"(?::\S+ )?PING (.*)", line):
                self.say(f"PONG {ping[1]}")
        return True


class Person(Conversation):
    """A user's client, registered under a nick."""

    def __init__(self, port: int, nick: str) -> None:
        super().__init__(port)
        self.nick = nick
        self.say(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
        self.wait_for(r" (?:376|422) ")

    def asks(self, bot: str, command: str) -> str:
        """Send a private message and return the bot's answer."""
        self.say(f"PRIVMSG {bot} :{command}")
        return self.wait_for(rf"^:{re.escape(bot)}!\S+ NOTICE \S+ :(.*)")[1]

    def news(self, bot: str, seconds: float = WAIT_SECONDS) -> str:
        """Return the next news of mail."""
        return self.wait_for(rf"^:{re.escape(bot)}!\S+ NOTICE \S+ :(You have .*)", seconds)[1]

    def hears_news(self, bot: str, seconds: float) -> bool:
        """Whether news comes within so long."""
        return self.hears(rf"^:{re.escape(bot)}!\S+ NOTICE \S+ :You have ", seconds)

    def renames(self, nick: str) -> None:
        """Take another nick."""
        self.say(f"NICK {nick}")
        self.wait_for(rf"NICK :?{re.escape(nick)}")
        self.nick = nick

    def leaves(self) -> None:
        """Quit, and be gone when this returns."""
        self.say("QUIT")
        try:
            self.wait_for("no such line")
        except (AssertionError, OSError):
            self.close()
