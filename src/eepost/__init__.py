# SPDX-License-Identifier: Apache-2.0
"""eepost: a post office for I2P that anyone can run. docs/rooms.md shows the house."""
