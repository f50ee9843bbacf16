// Room Runner: see docs/architecture.md.
