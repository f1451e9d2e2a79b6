# SPDX-License-Identifier: Apache-2.0
"""The I2P router: its keys and tunnels, where it is, and one of our own."""
