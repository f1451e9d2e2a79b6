# SPDX-License-Identifier: Apache-2.0
from tests.figures import figure, pytest_terminal_summary

__all__ = ["figure", "pytest_terminal_summary"]
