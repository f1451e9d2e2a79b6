# SPDX-License-Identifier: Apache-2.0
"""Core, gateway and an Internet of real servers, all on this machine."""
