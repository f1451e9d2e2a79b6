# SPDX-License-Identifier: Apache-2.0
"""The pages of the letterbox, each subject in a file."""
