# SPDX-License-Identifier: Apache-2.0
"""Shows what a command that looks has found."""

import sys
from collections.abc import Iterable

import typer

from eepost.net.findings import Finding, State


def show_findings(findings: Iterable[Finding]) -> None:
    """Print `findings` and what to do about them; leave with exit code 1 if anything is wrong."""
    is_wrong = False
    for finding in findings:
        typer.echo(f"{finding.state.value:<12} {finding.subject}: {finding.text}")
        if finding.mend:
            typer.echo(f"{'':<12} -> {finding.mend}")
        is_wrong = is_wrong or finding.state is State.WRONG
    if is_wrong:
        sys.exit(1)
