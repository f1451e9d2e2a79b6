# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

import pytest

from tests.docs.pictures import FOLDER, pictures

DRAWN = pictures()


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_drawn_picture_matches_the_code(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == DRAWN[name], f"{name} is not what the code shows: run `make docs`"


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_picture_fetches_nothing(name: str) -> None:
    frame = re.sub(r"(?s)<text.*?</text>", "", DRAWN[name])
    assert set(re.findall(r"(?:https?:)?//[^\s\"'<>)]+", frame)) == {"http://www.w3.org/2000/svg"}


def test_every_picture_of_the_sanitiser_is_in_its_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sanitiser.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(pictures/sanitiser/([a-z]+\.svg)\)", page)) == set(DRAWN)
