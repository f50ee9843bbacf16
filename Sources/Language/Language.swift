// Room Language: see docs/architecture.md.
