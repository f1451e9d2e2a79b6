# SPDX-License-Identifier: Apache-2.0
"""The post office behind a route that is slow, stalls, and cuts octets apart."""
