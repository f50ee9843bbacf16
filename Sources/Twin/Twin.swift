// Room Twin: see docs/architecture.md.
