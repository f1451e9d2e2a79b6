# SPDX-License-Identifier: Apache-2.0
"""`python -m eepost` is `eepost`."""

from eepost.app.cli import main

main()
