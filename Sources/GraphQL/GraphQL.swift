// Room GraphQL: see docs/architecture.md.
