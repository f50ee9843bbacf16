// Room Redaction: see docs/architecture.md.
