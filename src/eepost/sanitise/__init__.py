# SPDX-License-Identifier: Apache-2.0
"""Message in, message and report out: nothing passes that says who, where or with what. Pure."""
