"""Vendors' own libraries, unchanged, over an open file: what they get, and what the ledger holds afterwards."""
