// See docs/testing.md.
