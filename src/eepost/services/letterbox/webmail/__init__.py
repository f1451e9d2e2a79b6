# SPDX-License-Identifier: Apache-2.0
"""The letterbox's pages: mail read and written in a browser on the user's own machine."""
