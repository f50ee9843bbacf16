// Room Probing: see docs/architecture.md.
