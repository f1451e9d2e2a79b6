# SPDX-License-Identifier: Apache-2.0
"""How a store of an older release becomes one of this release, step by step.

A revision states its tables itself and never imports `tables`: what it did must not change later.
"""
