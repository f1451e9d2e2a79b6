# SPDX-License-Identifier: Apache-2.0
"""Coverage-guided fuzzing of the pure rooms, for a bounded time."""
