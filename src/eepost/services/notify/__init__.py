# SPDX-License-Identifier: Apache-2.0
"""News of new mail on IRC."""
