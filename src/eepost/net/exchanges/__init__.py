# SPDX-License-Identifier: Apache-2.0
"""Many exchanges between core and gateway at once over one proven link."""
