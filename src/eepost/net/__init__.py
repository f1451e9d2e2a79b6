# SPDX-License-Identifier: Apache-2.0
"""Adapters to the world: streams, sessions, peers, clock. The only room that opens sockets."""
