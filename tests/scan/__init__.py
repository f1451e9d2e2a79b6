# SPDX-License-Identifier: Apache-2.0
"""Virus scanning with a real clamd (Debian's clamav-daemon), and with servers that pretend."""
