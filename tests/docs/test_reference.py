# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from eepost.app.reference import pages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(pages()))
def test_made_page_matches_the_code(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == pages()[name], f"docs/{name} is not what the code says: run `make docs`"


def test_every_setting_and_option_has_words() -> None:
    for name in ("settings.md", "commands.md"):
        for line in pages()[name].splitlines():
            if line.startswith("| `"):
                assert line.rstrip("| ").rpartition("|")[2].strip(), f"{name}: {line}"


def test_readme_names_pages_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for part in text.split("](")[1:]:
        target = part.partition(")")[0]
        assert (ROOT / target).exists(), target


def test_readme_stays_on_one_screen() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 60
