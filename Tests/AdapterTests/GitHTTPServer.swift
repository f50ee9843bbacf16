import Concurrency
import Foundation
import Model
import Processes

/// Git's own `http-backend` behind a small server on loopback that asks for a password.
final class GitHTTPServer: Sendable {
  private let port: Int
  private let process: RunningProcess

  private static let script = """
    import base64, http.server, os, subprocess, sys
    root, wanted = sys.argv[1], "Basic " + base64.b64encode(("ann:" + sys.argv[2]).encode()).decode()
    class Handler(http.server.BaseHTTPRequestHandler):
      protocol_version = "HTTP/1.1"
      def log_message(self, *_): pass
      def handle_git(self):
        body = b""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
          while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size); self.rfile.readline()
          self.rfile.readline()
        else:
          body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        if f"{scheme.title()} {key}" != wanted:
          self.send_response(401); self.send_header("WWW-Authenticate", 'Basic realm="git"')
          self.send_header("Content-Length", "0"); self.end_headers(); return
        path, _, query = self.path.partition("?")
        env = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": root, "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "ann",
          "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1",
          "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
          "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
          "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}
        answer = subprocess.run(["git", "http-backend"], input=body, stdout=subprocess.PIPE, env=env).stdout
        head, _, rest = answer.partition(b"\\r\\n\\r\\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\\r\\n") if ": " in line]
        status = next((value for name, value in lines if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in lines:
          if name != "Status": self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest))); self.end_headers(); self.wfile.write(rest)
      do_GET = do_POST = handle_git
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print("port", server.server_address[1], flush=True)
    server.serve_forever()
    """

  init(_ world: GitLedgerWorld, password: String) async throws {
    try await world.git(["-C", world.remote, "config", "http.receivepack", "true"])
    let lines = AsyncStream<String>.makeStream()
    process = try Launcher().start(
      ProcessSpecification(
        "python3", ["-c", Self.script, world.scratch.path, password],
        environment: ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"])
    ) { lines.continuation.yield($0.text) }
    for await line in lines.stream {
      guard let port = line.split(separator: " ").last.flatMap({ Int($0) }), line.hasPrefix("port ") else {
        throw Failure(.failed, "the git server", cause: line)
      }
      self.port = port
      return
    }
    throw Failure(.failed, "the git server ended")
  }

  deinit { process.signal(9) }

  func url(user: String? = nil, password: String = "") -> String {
    "http://\(user.map { "\($0):\(password)@" } ?? "")127.0.0.1:\(port)/remote.git"
  }
}
