# SPDX-License-Identifier: Apache-2.0
"""Gives users their mail over POP3."""
