# SPDX-License-Identifier: Apache-2.0
"""SMTP as the one who hands mail in: an engine without I/O (RFC 5321, 6409, 2920, 4954)."""
