# SPDX-License-Identifier: Apache-2.0
"""The server's side of SMTP: submission (RFC 6409) and mail exchangers (RFC 5321)."""
