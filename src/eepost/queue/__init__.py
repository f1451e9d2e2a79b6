# SPDX-License-Identifier: Apache-2.0
"""What waits to leave. Pure."""
