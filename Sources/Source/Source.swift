// Room Source: see docs/architecture.md.
