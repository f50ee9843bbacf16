// Room Ledgers: see docs/architecture.md.
