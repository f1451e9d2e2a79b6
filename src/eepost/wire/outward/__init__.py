# SPDX-License-Identifier: Apache-2.0
"""What reaching another post office on the Internet needs: its hosts, its proofs, its replies."""
