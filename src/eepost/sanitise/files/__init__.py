# SPDX-License-Identifier: Apache-2.0
"""Metadata removed from attached files, each type by its own rules; what is seen stays as it is."""
