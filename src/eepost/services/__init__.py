# SPDX-License-Identifier: Apache-2.0
"""What the post office does for its peers; services do not know each other."""
