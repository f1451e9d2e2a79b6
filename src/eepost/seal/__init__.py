# SPDX-License-Identifier: Apache-2.0
"""Keys, and what is sealed under them. Pure given its randomness."""
