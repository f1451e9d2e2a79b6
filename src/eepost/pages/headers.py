# SPDX-License-Identifier: Apache-2.0
"""What browsers are told with every answer: load nothing from elsewhere, run and keep nothing."""

from typing import Final

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

# For a page that shows another of the same site in a frame.
WITH_FRAME: Final = {"Content-Security-Policy": _POLICY + "; frame-src 'self'"}

# For what a stranger wrote, in a frame of ours: an origin of its own, no script, no form, nothing
# loaded but pictures that stand in it. A link in it may lead the whole window on, by a click alone.
IN_FRAME: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none';"
        " base-uri 'none'; frame-ancestors 'self';"
        " sandbox allow-top-navigation-by-user-activation"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}
