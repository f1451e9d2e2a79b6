# SPDX-License-Identifier: Apache-2.0
"""POP3 as the one who fetches mail: an engine without I/O (RFC 1939, RFC 2449)."""
