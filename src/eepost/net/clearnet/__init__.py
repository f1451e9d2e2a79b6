# SPDX-License-Identifier: Apache-2.0
"""What touches the Internet: the gateway role's alone (an import contract holds it)."""
