# SPDX-License-Identifier: Apache-2.0
"""The embedded store: SQLite with a write-ahead log and full synchronisation."""
