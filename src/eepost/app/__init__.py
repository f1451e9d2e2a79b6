# SPDX-License-Identifier: Apache-2.0
"""Configuration, roles and the command line: the only place where a port meets its adapter."""
