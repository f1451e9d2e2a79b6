# SPDX-License-Identifier: Apache-2.0
"""The project's own load generator, and eepost beside Postfix and Dovecot under the same load."""
