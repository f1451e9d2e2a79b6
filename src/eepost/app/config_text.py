# SPDX-License-Identifier: Apache-2.0
"""Writes settings as text: commented TOML for `init`, and docs/settings.md."""

import textwrap
from collections.abc import Iterator
from typing import Any, get_type_hints

import msgspec

from eepost.app.gateway_settings import GatewaySettings
from eepost.app.letterbox_settings import IdentitySettings, LetterboxSettings
from eepost.app.settings import Settings

_WIDTH = 96


def commented_toml(
    given: dict[str, dict[str, Any]], kind: Any = Settings, what: str = "post office"
) -> str:
    """Return a configuration with every setting explained; those not `given` stand as comments."""
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        f"# The configuration of this {what}. A line that begins with # shows a default.",
    ]
    for section, struct in _sections(kind):
        lines += ["", *_comment(struct.__doc__ or ""), f"[{section}]"]
        for name, about, default in _fields(struct):
            lines += ["", *_comment(about)]
            value = given.get(section, {}).get(name, msgspec.NODEFAULT)
            if value is msgspec.NODEFAULT:
                lines.append(f"#{name} = {_toml(default)}")
            else:
                lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def reference() -> str:
    """Return docs/settings.md."""
    parts = [
        "<!-- SPDX-License-Identifier: Apache-2.0 -->",
        "<!-- Made by `eepost config reference`; a test compares. -->",
        "# Settings",
        "",
        "`eepost init` writes `eepost.toml` into the data directory with all of this as comments;"
        " `eepost config check` says what is wrong with it. Unknown keys are errors. A change takes"
        " effect at the next start.",
        *_tables(Settings),
        "",
        "# Settings of a gateway",
        "",
        "`eepost gateway init` writes `gateway.toml` into the gateway's data directory in the same"
        " way; `eepost gateway check` reads it.",
        *_tables(GatewaySettings),
        "",
        "# Settings of a letterbox",
        "",
        "`eepost letterbox init` writes `letterbox.toml`, which all identities share, and an"
        " `identity.toml` for each; `eepost letterbox show` reads them.",
        *_tables(LetterboxSettings),
        "",
        "## Of each identity",
        *_tables(IdentitySettings),
    ]
    return "\n".join(parts) + "\n"


def _tables(kind: Any) -> list[str]:
    parts: list[str] = []
    for section, struct in _sections(kind):
        parts += ["", f"## [{section}]", "", struct.__doc__ or "", ""]
        parts += ["| setting | default | meaning |", "|---|---|---|"]
        for name, about, default in _fields(struct):
            shown = "must be given" if default is msgspec.NODEFAULT else f"`{_toml(default)}`"
            parts.append(f"| `{section}.{name}` | {shown} | {about} |")
    return parts


def _sections(kind: Any) -> Iterator[tuple[str, Any]]:
    yield from get_type_hints(kind).items()


def _fields(struct: Any) -> Iterator[tuple[str, str, Any]]:
    hints = get_type_hints(struct, include_extras=True)
    for each in msgspec.structs.fields(struct):
        meta = hints[each.name].__metadata__[0]
        yield each.name, meta.description + _bounds(meta), each.default


def _bounds(meta: msgspec.Meta) -> str:
    words = [f"at least {meta.ge}"] if meta.ge is not None else []
    words += [f"at most {meta.le}"] if meta.le is not None else []
    return f" ({', '.join(words)})" if words else ""


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
