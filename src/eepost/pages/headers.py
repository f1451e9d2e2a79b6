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
