# SPDX-License-Identifier: Apache-2.0
"""The POP3 engine against a fake owner."""
