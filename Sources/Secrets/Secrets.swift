// Room Secrets: see docs/architecture.md.
