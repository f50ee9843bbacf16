// Room Archive: see docs/architecture.md.
