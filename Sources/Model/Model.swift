// Room Model: see docs/architecture.md.
