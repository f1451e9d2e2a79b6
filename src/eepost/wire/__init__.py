# SPDX-License-Identifier: Apache-2.0
"""Protocol engines that take octets and give events, without any input or output. Pure."""
