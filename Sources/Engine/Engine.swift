// Room Engine: see docs/architecture.md.
