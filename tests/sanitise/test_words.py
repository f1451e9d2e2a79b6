# SPDX-License-Identifier: Apache-2.0
import ast
from pathlib import Path

import pytest

import eepost.sanitise
from eepost.sanitise.report import Report
from eepost.sanitise.words import Group, describe


def test_report_names_kinds_and_counts_by_what_they_mean() -> None:
    report = Report(
        {
            "header field dropped": 12,
            "JPEG cleaned": 2,
            "receipt dropped": 1,
            "signed part passed to the octet": 1,
        }
    )
    assert describe(report) == (
        "Passes as it is. What it tells, it still tells:\n"
        "  signed parts (a change would break the signature): 1\n"
        "\n"
        "Left out:\n"
        "  header fields: 12\n"
        "  receipts for senders: 1\n"
        "\n"
        "Freed of their metadata:\n"
        "  JPEG files: 2\n"
        "\n"
        "Always written anew: the date (the post office's, in UTC), the identifier, the"
        " boundaries between parts, and the spelling and order of all header fields.\n"
    )


def test_message_without_findings_is_told_what_happens_to_all() -> None:
    assert describe(Report()).startswith("Always written anew: ")


def test_kind_without_words_stands_for_itself() -> None:
    assert "Also changed:\n  something new: 3\n" in describe(Report({"something new": 3}))


def kinds_in_the_code() -> set[str]:
    """Constants that are counted somewhere in the sanitiser."""
    found = set()
    for file in Path(eepost.sanitise.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            is_count = (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "add"
                and ast.unparse(node.func.value).endswith("tally")
            )
            if is_count and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return found


def test_search_for_kinds_finds_some() -> None:
    assert len(kinds_in_the_code()) > 20


@pytest.mark.parametrize("kind", sorted(kinds_in_the_code()))
def test_every_kind_in_the_code_has_words(kind: str) -> None:
    assert Group.OTHER.value not in describe(Report({kind: 1}))
