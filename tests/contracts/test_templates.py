# SPDX-License-Identifier: Apache-2.0
"""Templates give `_` constants only: what it returns is taken for safe HTML."""

import re
from pathlib import Path

import eepost

TEMPLATES = sorted(Path(eepost.__file__).parent.rglob("templates/*.html"))
_VARIABLE = re.compile(r"\b_\((?![\"'])")


def test_no_template_translates_what_somebody_else_wrote() -> None:
    assert len(TEMPLATES) > 40
    assert _VARIABLE.search("{{ _(text) }}")
    assert [file.name for file in TEMPLATES if _VARIABLE.search(file.read_text("utf-8"))] == []
