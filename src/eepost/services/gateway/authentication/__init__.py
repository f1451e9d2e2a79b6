# SPDX-License-Identifier: Apache-2.0
"""Who answers for a message from the Internet: SPF, DKIM, ARC and DMARC, on the octets as sent."""
