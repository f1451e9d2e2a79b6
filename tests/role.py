# SPDX-License-Identifier: Apache-2.0
"""A role of eepost in a process of its own: started, listened to, stopped or killed."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

START_SECONDS = 30
STOP_SECONDS = 40


@dataclass
class Role:
    """A process that writes a journal; a subclass says which. `prefix` begins its command."""

    directory: Path
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    ports: dict[str, int] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None
    _listener: threading.Thread | None = None

    def arguments(self) -> list[str]:
        """Return the arguments of `eepost` that serve."""
        raise NotImplementedError

    def start(self) -> Self:
        """Start it and wait until it serves."""
        self.ports = {}
        self._process = subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "eepost", *self.arguments()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment},
        )
        serving = threading.Event()
        self._listener = threading.Thread(target=self._listen, args=(serving,), daemon=True)
        self._listener.start()
        if not serving.wait(START_SECONDS) or not self.ports:
            self.kill()
            raise AssertionError(f"did not start: {self.lines[-5:]}")
        return self

    def _listen(self, serving: threading.Event) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        for text in self._process.stderr:
            try:
                line = json.loads(text)
            except ValueError:
                line = {"event": "not a journal line", "text": text.rstrip()}
            self.lines.append(line)
            if line["event"] == "serving":
                self.ports = {name: at for name, at in line.items() if name not in _NOT_PORTS}
                serving.set()
        serving.set()

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> int:
        """Stop it gracefully and return its exit code."""
        return self._end(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no process behind, whatever the test found."""
        self.kill()

    def kill(self) -> None:
        """Stop it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        code = self._process.wait(STOP_SECONDS)
        if self._listener is not None:
            self._listener.join(STOP_SECONDS)
        if self._process.stderr is not None:
            self._process.stderr.close()
        self._process = None
        return code


_NOT_PORTS = ("event", "time")
