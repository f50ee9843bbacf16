// Room Interface: see docs/architecture.md.
