# SPDX-License-Identifier: Apache-2.0
"""OpenPGP keys without the names of others, and who is named by a signature (RFC 9580)."""
