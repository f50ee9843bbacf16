"""The demo's one program, run as two services: `api`, and `web`, which asks `api`."""

import json
import os
import signal
import sys
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROLE = os.environ.get("ROLE", "api")
REVISION = os.environ.get("SHIPIT_COMMIT", "unknown")
GREETING = os.environ.get("GREETING", "hello")
HEALTHY = True
# How many can have the new prices: enough for one in ten.
SEATS = 5
NEW_PRICES = None
if "FLAGS_URL" in os.environ:
    # Without a store of flags it is one file.
    from flags import Flag

    NEW_PRICES = Flag("new-prices", os.environ["FLAGS_URL"], os.environ["FLAGS_KEY"])
seated: set[str] = set()


def answer_of(role: str) -> dict:
    """What the front door says."""
    if role == "api":
        return {"greeting": GREETING, "revision": REVISION}
    with urllib.request.urlopen(os.environ["API_URL"] + "/", timeout=2) as response:
        behind = json.load(response)
    return {"status": "ok", "revision": REVISION, "greeting": behind["greeting"]}


def price_for(user: str) -> tuple[int, dict]:
    """The old price, or the new one for those who have the feature."""
    if NEW_PRICES is None or not NEW_PRICES.serves(user):
        return 200, {"price": 20}
    seated.add(user)
    if len(seated) > SEATS:
        return 500, {"feature": True, "error": "no seat is left"}
    return 200, {"price": 15, "feature": True}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            self.reply(200 if HEALTHY else 503, {"status": "ok" if HEALTHY else "starting", "revision": REVISION})
        elif self.path == "/":
            try:
                self.reply(200, answer_of(ROLE))
            except OSError as trouble:
                self.reply(502, {"status": "bad", "error": str(trouble)})
        elif self.path.startswith("/price?"):
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            self.reply(*price_for(query.get("user", [""])[0]))
        else:
            self.reply(404, {"status": "not found"})

    def reply(self, status: int, content: dict) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, words: str, *values: object) -> None:
        if self.path != "/health" and not self.path.startswith("/price?"):
            print(words % values, flush=True)


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"{ROLE} {REVISION[:7]} listens", flush=True)
    server.serve_forever()
    print(f"{ROLE} {REVISION[:7]} has stopped", flush=True)


if __name__ == "__main__":
    sys.exit(main())
