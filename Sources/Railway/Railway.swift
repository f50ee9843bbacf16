// Room Railway: see docs/architecture.md.
