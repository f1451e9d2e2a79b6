# SPDX-License-Identifier: Apache-2.0
"""What nobody should send reaches a running post office: it answers, loses nothing, goes on."""
