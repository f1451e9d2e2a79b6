# SPDX-License-Identifier: Apache-2.0
"""The link between core and gateway: who may speak, and records that only the other side reads."""
