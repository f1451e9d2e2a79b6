# SPDX-License-Identifier: Apache-2.0
"""What a message is: address, envelope, header fields, trace, reply, delivery report. Pure."""
