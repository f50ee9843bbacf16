// Room YAML: see docs/architecture.md.
