# SPDX-License-Identifier: Apache-2.0
"""Writes what was measured: the machine, the figures of each contender, and which goals hold."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from importlib.metadata import version
from pathlib import Path

from bench.figures import Figures, show, spread
from bench.goals import GOALS, Goal, Rounds

_COLUMNS = {
    "rate": "per s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "cpu_ms": "CPU ms each",
    "flushes": "flushes each",
    "octets": "octets a connection",
    "resident_mb": "MB in all",
    "memory_mb": "MB in all (PSS)",
    "ascii_us": "ASCII us",
    "utf8_us": "UTF-8 us",
    "quoted_us": "quoted-printable us",
    "base64_us": "base64 us",
    "cyrillic_us": "Cyrillic us",
    "flowed_us": "flowed us",
    "slowest_ms": "slowest ms",
    "seconds": "s",
    "peak_mb": "peak MB",
}


def machine(folder: Path) -> dict[str, str]:
    """Return what the figures depend on, besides the servers."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": f"{os.cpu_count()} x {_processor()}",
        "kernel": platform.release(),
        "file system": file_system(folder),
        "Python": platform.python_version(),
        "uvloop": version("uvloop"),
        "eepost": version("eepost"),
        "Postfix": _first_word(("postconf", "-h", "mail_version")),
        "Dovecot": _first_word(("dovecot", "--version")),
    }


def file_system(folder: Path) -> str:
    """Return the type of the file system that holds the folder."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if folder.resolve().is_relative_to(place) and len(place) >= len(best[0]):
            best = (place, kind)
    return best[1]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _first_word(command: tuple[str, ...]) -> str:
    environment = os.environ | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    except (OSError, subprocess.CalledProcessError):
        return "not installed"
    return said.stdout.split()[0]


def write_contenders(scenario: str, rounds: Rounds) -> None:
    """Print a line for each contender of a scenario: medians with least and greatest."""
    for (name, contender), figures in rounds.items():
        if name == scenario:
            shown = (
                f"{title} {spread([each[key] for each in figures])}"
                for key, title in _COLUMNS.items()
                if key in figures[0]
            )
            print(f"  {contender:<9}", "; ".join(shown), flush=True)


class Verdict(Enum):
    """What came of a goal."""

    REACHED = "reached"
    MISSED = "NOT REACHED"
    UNMEASURED = "NOT MEASURED"


def judge(rounds: Rounds, selected: Iterable[str]) -> list[tuple[Goal, str, Verdict]]:
    """Return each goal of the selected scenarios with its value in words and what came of it."""
    wanted = set(selected)
    return [(goal, *_judge(goal, rounds)) for goal in GOALS if goal.scenario in wanted]


def _judge(goal: Goal, rounds: Rounds) -> tuple[str, Verdict]:
    try:
        value = goal.value(rounds)
    except KeyError:
        return "", Verdict.UNMEASURED
    return str(value), Verdict.REACHED if goal.is_reached(value) else Verdict.MISSED


def write_goals(judged: Sequence[tuple[Goal, str, Verdict]]) -> None:
    """Print every goal and whether it holds."""
    for goal, value, verdict in judged:
        print(f"  {goal.claim:<50} {goal.wanted:<28} {value:<28} {verdict.value}")


def write_markdown(
    path: Path,
    about: Mapping[str, str],
    rounds: Rounds,
    judged: Sequence[tuple[Goal, str, Verdict]],
) -> None:
    """Write the tables of docs/benchmarks.md."""
    lines = ["; ".join(f"{name} {value}" for name, value in about.items()), ""]
    lines += ["| load | who | " + " | ".join(_COLUMNS.values()) + " |"]
    lines += ["|" + "---|" * (len(_COLUMNS) + 2)]
    for (scenario, contender), figures in rounds.items():
        cells = (
            str(spread([each[key] for each in figures])) if key in figures[0] else ""
            for key in _COLUMNS
        )
        lines.append(f"| {scenario} | {contender} | " + " | ".join(cells) + " |")
    lines += ["", "| goal | wanted | found | |", "|---|---|---|---|"]
    lines += [
        f"| {goal.claim} | {goal.wanted} | {value} | {v.value} |" for goal, value, v in judged
    ]
    path.write_text("\n".join(lines) + "\n")


def write_json(path: Path, about: Mapping[str, str], rounds: Rounds) -> None:
    """Write every figure of every round."""
    measured: list[dict[str, str | Sequence[Figures]]] = [
        {"scenario": scenario, "contender": contender, "rounds": list(figures)}
        for (scenario, contender), figures in rounds.items()
    ]
    path.write_text(json.dumps({"machine": dict(about), "measured": measured}, indent=1) + "\n")


def show_machine(about: Mapping[str, str]) -> None:
    """Print what the figures depend on."""
    print("; ".join(f"{name} {value}" for name, value in about.items()), flush=True)


def show_round(contender: str, figures: Figures) -> None:
    """Print one round as it comes."""
    shown = ", ".join(f"{name} {show(value)}" for name, value in figures.items())
    print(f"    {contender:<9} {shown}", flush=True)
