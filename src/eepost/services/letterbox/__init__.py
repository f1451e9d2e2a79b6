# SPDX-License-Identifier: Apache-2.0
"""A user's own letterbox: takes mail from his programs, cleans it, carries it, keeps it sealed."""
