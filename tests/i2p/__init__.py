# SPDX-License-Identifier: Apache-2.0
"""The post office over real I2P routers, in a network that has no way out."""
