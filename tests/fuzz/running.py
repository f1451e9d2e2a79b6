# SPDX-License-Identifier: Apache-2.0
"""Runs a fuzz target in a process of its own, since the fuzzer ends its process when it is done."""

import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLANTED = "--planted"  # a target that gets this argument breaks what it tests, as a control
# What a target may take. Beside it stands the most that the test runner had: a process that is
# started by another counts that one's memory as its own.
_MEMORY_MB = 1_024
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)")


@dataclass(frozen=True, slots=True)
class FuzzRun:
    """What came of it. `crashes` are the inputs that broke the target."""

    executed: int
    crashes: list[bytes]
    report: str


def run_target(
    module: str,
    seeds: Iterable[bytes],
    folder: Path,
    seconds: int,
    *,
    words: Iterable[bytes] = (),
    is_planted: bool = False,
) -> FuzzRun:
    """Fuzz `module` (for example "tests.fuzz.fuzz_pop3") from `seeds`; `folder` is empty.

    `words` are put in where the fuzzer likes: what it would take long to spell by chance.
    """
    corpus, artifacts = folder / "corpus", folder / "artifacts"
    corpus.mkdir()
    artifacts.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    dictionary = folder / "words"
    # The remark is there because an empty dictionary is refused.
    dictionary.write_text("# words\n" + "".join([f'"{quoted(word)}"\n' for word in words]), "ascii")
    command = [sys.executable, "-m", module, *([PLANTED] if is_planted else [])]
    command += [
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=5",  # seconds for one input: a slow one is a finding too
        f"-rss_limit_mb={_MEMORY_MB + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024}",
        "-print_final_stats=1",
        f"-dict={dictionary}",
        f"-artifact_prefix={artifacts}/",
        str(corpus),
    ]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, check=False, timeout=seconds + 60
    )
    report = (ended.stdout + ended.stderr).decode("utf-8", "replace")
    crashes = [path.read_bytes() for path in artifacts.iterdir()]
    executed = _EXECUTED.search(report)
    assert executed, f"the target did not run:\n{report[-4000:]}"
    assert crashes or ended.returncode == 0, report[-4000:]
    return FuzzRun(int(executed[1]), crashes, report[-4000:])


def quoted(word: bytes) -> str:
    """Return the word as a dictionary of the fuzzer spells it: octets in hexadecimal."""
    return "".join([f"\\x{octet:02x}" for octet in word])
