# SPDX-License-Identifier: Apache-2.0
"""Who has an account: names, passwords, keys, roles, and the ports that keep them."""
