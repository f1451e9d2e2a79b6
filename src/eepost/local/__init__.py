# SPDX-License-Identifier: Apache-2.0
"""Files of a letterbox on its user's own machine: sealed under the password, durable."""
