# SPDX-License-Identifier: Apache-2.0
"""`python -m bench`: eepost beside Postfix and Dovecot, in turn, under the same load."""

import argparse
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.figures import Figures
from bench.goals import OURS
from bench.letters import Mangled
from bench.load import Stalled, WrongAnswer
from bench.offices import Unfit
from bench.peers import why_unfit
from bench.processes import FlushCount
from bench.report import (
    Verdict,
    file_system,
    judge,
    machine,
    show_machine,
    show_round,
    write_contenders,
    write_goals,
    write_json,
    write_markdown,
)
from bench.sanitiser import is_possible
from bench.scenarios import CONTENDERS, SCENARIOS, Workshop, play

_EPILOGUE = """\
scenarios:
{scenarios}
contenders:
  eepost     as installed, by its own command, with its own defaults
  postfix    Postfix and Dovecot as Debian installs them: AUTH, sender == login, header rules,
             LMTP, Maildir, every flush
  maildir    Dovecot as Debian installs it
  sdbox      Dovecot tuned for POP3
  sink       says yes and stores nothing, for `generator`

Every body that comes back is compared with what was sent; a run that loses one fails. Rates move by
a third on a shared machine: the ratios of one run are what counts. Needs root (Postfix starts as
root only) and strace for the flushes. docs/benchmarks.md says what is measured and how.

ends with 0 if every selected goal was measured and reached, 1 if one was missed, 2 if one could not
be measured (Postfix and Dovecot missing, for example).
"""


def _arguments() -> argparse.Namespace:
    names = [scenario.name for scenario in SCENARIOS]
    listed = "".join(f"  {each.name:<13}{each.about}\n" for each in SCENARIOS)
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog=_EPILOGUE.format(scenarios=listed),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=_list_of(names), default=names, metavar="SCENARIO,...")
    parser.add_argument(
        "--contenders", type=_list_of(CONTENDERS), default=list(CONTENDERS), metavar="NAME,..."
    )
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each load (default 5)")
    parser.add_argument("--quick", action="store_true", help="one round of 2 s: a look, no result")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write tables there")
    parser.add_argument(
        "--work", type=Path, default=Path("/var/tmp"), help="where servers keep mail (a disk)"
    )
    return parser.parse_args()


def _list_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        chosen = text.split(",")
        unknown = set(chosen) - set(known)
        if unknown:
            raise argparse.ArgumentTypeError(
                f"{', '.join(unknown)}: choose from {', '.join(known)}"
            )
        return chosen

    return parse


def main() -> int:
    """Run the bench; return its exit status."""
    arguments = _arguments()
    rounds, seconds = (1, 2.0) if arguments.quick else (arguments.rounds, arguments.seconds)
    contenders = _fit(arguments.contenders)
    _allow_many_descriptors()
    # A bench that is told to end leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    folder = Path(tempfile.mkdtemp(prefix="eepost-bench-", dir=arguments.work))
    try:
        if file_system(folder) in ("tmpfs", "ramfs"):
            raise Unfit(f"{arguments.work} is no disk: a flush costs nothing there; see --work")
        folder.chmod(0o755)  # the peers' users pass through
        about = machine(folder)
        show_machine(about)
        measured = _measure(Workshop(folder, seconds), arguments.only, contenders, rounds)
    except (Unfit, Mangled, Stalled, WrongAnswer) as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    judged = judge(measured, arguments.only)
    print("\ngoals: median of the rounds (least-greatest)")
    write_goals(judged)
    if arguments.json:
        write_json(arguments.json, about, measured)
    if arguments.markdown:
        write_markdown(arguments.markdown, about, measured, judged)
    return _status([verdict for _, _, verdict in judged])


def _fit(contenders: list[str]) -> list[str]:
    """Return those contenders that can run here; say why others cannot."""
    reason = why_unfit()
    if reason is None or not set(contenders) - {OURS, "sink"}:
        return contenders
    print(f"bench: no peers: {reason}", file=sys.stderr)
    return [each for each in contenders if each in (OURS, "sink")]


def _allow_many_descriptors() -> None:
    """Raise the soft limit for us and for the servers that we start: 5,000 connections each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 12_000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))


def _measure(
    workshop: Workshop, only: list[str], contenders: list[str], rounds: int
) -> dict[tuple[str, str], list[Figures]]:
    measured: dict[tuple[str, str], list[Figures]] = {}
    for scenario in SCENARIOS:
        if scenario.name not in only:
            continue
        if scenario.name == "flushes" and not FlushCount.is_possible():
            print("bench: flushes are not counted: strace is not installed", file=sys.stderr)
            continue
        if not is_possible(scenario.name):
            print("bench: the folder of real messages is missing", file=sys.stderr)
            continue
        print(f"\n{scenario.name}: {scenario.about}", flush=True)
        for contender, figures in play(workshop, scenario, contenders, rounds):
            measured.setdefault((scenario.name, contender), []).append(figures)
            show_round(contender, figures)
        write_contenders(scenario.name, measured)
    return measured


def _status(verdicts: Sequence[Verdict]) -> int:
    unmeasured = verdicts.count(Verdict.UNMEASURED)
    if unmeasured:
        print(f"bench: {unmeasured} goals could not be measured", file=sys.stderr)
        return 2
    return 1 if Verdict.MISSED in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
