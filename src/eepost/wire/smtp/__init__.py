# SPDX-License-Identifier: Apache-2.0
"""The submission server's side of SMTP (RFC 5321, RFC 6409)."""
