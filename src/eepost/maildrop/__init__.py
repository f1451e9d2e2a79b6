# SPDX-License-Identifier: Apache-2.0
"""What waits for its owner: sealed messages, their snapshot, the limit, the port."""
