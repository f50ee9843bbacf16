"""The demo's job runner. The health answer under /__encore/ is the platform's own and not ours."""

import http.server
import json
import os
import signal
import sys
import threading

EVERY = "1 minute"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"status": "ok", "every": EVERY}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, words: str, *values: object) -> None:
        pass


def main() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"jobs run every {EVERY}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
