# SPDX-License-Identifier: Apache-2.0
"""What core and gateway say to each other over a proven link, as values and as octets."""
