# SPDX-License-Identifier: Apache-2.0
"""Bodies made anew: the tree of parts, each part by the rule of its type.

Trust: anybody with an account may have written the message.

What is signed or encrypted passes to the octet, as a slice; everything else is decoded, cleaned
and written in one way. What a part's header may hold is made here; nothing of it is copied.
"""
