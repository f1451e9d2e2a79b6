# SPDX-License-Identifier: Apache-2.0
"""Takes mail from authenticated users and puts it where it belongs."""
