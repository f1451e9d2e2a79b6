# SPDX-License-Identifier: Apache-2.0
"""Adapters of the ports that keep things: SQLAlchemy Core over SQLite, one commit lane."""
