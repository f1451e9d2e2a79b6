# SPDX-License-Identifier: Apache-2.0
"""The only writer of log lines, and the counters. Neither ever holds an address."""
