// Room Terminal: see docs/architecture.md.
