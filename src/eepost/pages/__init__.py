# SPDX-License-Identifier: Apache-2.0
"""What all web pages of eepost share: sessions, tickets, forms, headers, faults, their look."""
