# SPDX-License-Identifier: Apache-2.0
"""What waits to leave: when, what becomes of each recipient, what the sender hears. Pure."""
