# SPDX-License-Identifier: Apache-2.0
"""The tables, for every backend. What stands here in the clear is what a thief of the disk reads.

In the clear: how many accounts, messages and deleted names there are, which messages share a
maildrop and a sealing key, their padded sizes, and the encapsulations, which nobody without the
owner's private key can use. Names, records (password verifier, keys, state, own limit), roles and
index entries are sealed; rows are numbered at random, so that a number tells no order of arrival.

Foreign keys stand only where accounts are written: one on `message` would cost a look-up for every
delivery, and one on `encapsulation` an index more.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
)

# SQLite's STRICT tables know INTEGER only, which holds 64 bits there.
Number = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

# One row. `epoch` changes with every account and role; `lane` is the random token of the process
# that last wrote to a maildrop; `proof` opens under the right start key only.
state = Table(
    "state",
    metadata,
    Column("id", Number, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("epoch", Number, nullable=False),
    Column("lane", Number, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    sqlite_strict=True,
)

account = Table(
    "account",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("name_tag", LargeBinary, nullable=False, unique=True),
    Column("record", LargeBinary, nullable=False),
    sqlite_strict=True,
)

# Names that were deleted and are never given again, as tags under the start key.
tombstone = Table(
    "tombstone",
    metadata,
    Column("name_tag", LargeBinary, primary_key=True),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# Invitations that were used, as tags under the start key, with the day since 1970 after which they
# are good for nothing anyway.
used_invitation = Table(
    "used_invitation",
    metadata,
    Column("tag", LargeBinary, primary_key=True),
    Column("day", Number, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

role = Table(
    "role",
    metadata,
    Column("role_tag", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# OpenPGP certificates for the address book, sealed like records.
certificate = Table(
    "certificate",
    metadata,
    Column("account", Number, ForeignKey(account.c.number), primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)

# Apart from `account`, because it changes with every message and a record is long.
usage = Table(
    "usage",
    metadata,
    Column("account", Number, ForeignKey(account.c.number), primary_key=True, autoincrement=False),
    Column("octets", Number, nullable=False),
    Column("messages", Number, nullable=False),
    sqlite_strict=True,
)

encapsulation = Table(
    "encapsulation",
    metadata,
    Column("account", Number, primary_key=True),
    Column("number", Number, primary_key=True),
    Column("generation", Number, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# Clustered by account: a snapshot is one range scan. Bodies stand elsewhere and are not read by it.
message = Table(
    "message",
    metadata,
    Column("account", Number, primary_key=True),
    Column("number", Number, primary_key=True),
    Column("encapsulation", Number, nullable=False),
    Column("padded_octets", Number, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# Message-IDs that an account was sent, as tags under a key of the account, with the thirty days in
# which that was. Its replies may name these and no others (see eepost.sanitise.threads).
known_id = Table(
    "known_id",
    metadata,
    Column("account", Number, primary_key=True),
    Column("tag", LargeBinary, primary_key=True),
    Column("period", Number, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# What leads from an identifier that a message was given to the one that its sender's program wrote:
# a tag under a key of the account, and the original under the start key (see `SentId`).
sent_id = Table(
    "sent_id",
    metadata,
    Column("account", Number, primary_key=True),
    Column("tag", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("period", Number, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# The first segment of each message. Measured with rows of 4.3 kB: keyed by a random number in
# pages of 4,096 octets, 43 us of CPU a delivery; clustered by account 58, pages of 8,192 octets 80.
body = Table(
    "body",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("account", Number, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    sqlite_strict=True,
)

# What follows the first segment of large messages. Rows without a body are orphans of a crash.
segment = Table(
    "segment",
    metadata,
    Column("message", Number, primary_key=True),
    Column("at", Number, primary_key=True),
    Column("octets", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# What waits to leave. In the clear: how many messages wait, their padded sizes, the minute in which
# each is due (of one that has not left yet: within the hour after it was accepted, at the next
# batch, or at once), and which were being handed to a gateway. The record is sealed under the
# queue key: owner, recipients, what became of them, and the key of the content. `lease` is the
# minute until which a program has reserved the item.
queue_item = Table(
    "queue_item",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("due", Number, nullable=False, index=True),
    Column("lease", Number, nullable=False),
    Column("padded_octets", Number, nullable=False),
    Column("record", LargeBinary, nullable=False),
    sqlite_strict=True,
)

# The sealed content of what waits. Rows without an item are orphans of a crash.
queue_segment = Table(
    "queue_segment",
    metadata,
    Column("item", Number, primary_key=True),
    Column("at", Number, primary_key=True),
    Column("octets", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# One row: the minute of the last batch that has left.
batch = Table(
    "batch",
    metadata,
    Column("id", Number, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("minute", Number, nullable=False),
    sqlite_strict=True,
)

# What accounts have used of what they may send to the Internet in 24 hours: sealed, under tags that
# do not tell which account. In the clear: the hour since 1970 of the last message. Whom somebody
# wrote to stands in there as hashes under `hour_key`s, random keys that are destroyed, with all
# that the hashes could tell, after 24 hours.
allowance = Table(
    "allowance",
    metadata,
    Column("holder_tag", LargeBinary, primary_key=True),
    Column("hour", Number, nullable=False),
    Column("record", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
hour_key = Table(
    "hour_key",
    metadata,
    Column("hour", Number, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    sqlite_strict=True,
)

# Hashcash stamps that were counted, as tags under the start key, with the day since 1970 after
# which nobody takes them any more.
# Transfers of mail from the Internet that are in a maildrop, each with one recipient of it, so that
# one that a gateway sends again is not delivered twice. Tags under the start key; a few days long.
arrival = Table(
    "arrival",
    metadata,
    Column("tag", LargeBinary, primary_key=True),
    Column("day", Number, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

spent_stamp = Table(
    "spent_stamp",
    metadata,
    Column("stamp_tag", LargeBinary, primary_key=True),
    Column("day", Number, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# Who wrote to whom on the Internet, as tags of account and address under the start key, with the
# thirty days in which that was. They lead from no account: who guesses both can check the guess.
correspondent = Table(
    "correspondent",
    metadata,
    Column("tag", LargeBinary, primary_key=True),
    Column("period", Number, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# People on the Internet who want no mail from here, as tags under the start key.
opted_out = Table(
    "opted_out",
    metadata,
    Column("address_tag", LargeBinary, primary_key=True),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
