// Room Commands: see docs/architecture.md.
