# SPDX-License-Identifier: Apache-2.0
"""The portal: pages on which users make and keep their accounts, without JavaScript."""
