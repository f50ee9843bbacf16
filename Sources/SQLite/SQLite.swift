// Room SQLite: see docs/architecture.md.
