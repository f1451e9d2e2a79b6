# SPDX-License-Identifier: Apache-2.0
"""Mail from the Internet: who may bring it, for whom, and how it gets to the core."""
