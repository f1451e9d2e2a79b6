# SPDX-License-Identifier: Apache-2.0
"""What the gateway does: deliver to the Internet, and take mail from there for the core."""
