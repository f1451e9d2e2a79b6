# SPDX-License-Identifier: Apache-2.0
"""The portal: pages on which users make and keep their accounts, for browsers without JavaScript."""
