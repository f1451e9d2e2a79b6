# SPDX-License-Identifier: Apache-2.0
"""Sanitising in processes that can be killed: without network, files, keys or a way out.

Two sides that meet in `frames` and `answers` only: what runs in the post office (`pool`, `line`,
`forkserver`) and what runs beside it (`fork`, `jail`, `worker`, `jobs`). docs/workers.md tells how.
"""
