"""Builds the demo's front end: two static files that say what they were built from."""

import json
import os
import pathlib

REVISION = os.environ.get("SHIPIT_COMMIT", "unknown")
TITLE = "Demo"

output = pathlib.Path("dist")
output.mkdir(exist_ok=True)
about = {"status": "ok", "revision": REVISION, "api": os.environ.get("NEXT_PUBLIC_API_URL", "")}
(output / "version.json").write_text(json.dumps(about) + "\n")
(output / "index.html").write_text(
    f"<!doctype html><title>{TITLE}</title><h1>{TITLE}</h1><p>revision {REVISION[:7]}, asks {about['api']}</p>\n")
print(f"built {TITLE} {REVISION[:7]} into {output}/")
