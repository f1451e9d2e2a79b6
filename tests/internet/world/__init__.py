# SPDX-License-Identifier: Apache-2.0
"""An Internet in a network namespace: name servers, a validating resolver, mail servers, a CA."""
