# SPDX-License-Identifier: Apache-2.0
"""Real mail programs send through and fetch from a running post office."""
