// Room Crypto: see docs/architecture.md.
