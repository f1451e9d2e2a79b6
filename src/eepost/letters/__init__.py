# SPDX-License-Identifier: Apache-2.0
"""What lies in a user's own letterbox: folders, summaries, and what waits to leave."""
