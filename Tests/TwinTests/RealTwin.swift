import Archive
import Concurrency
import Foundation
import HTTP
import JSON
import Processes
import Testing

@testable import Twin

/// A twin on sockets with one service whose program is a python file.
struct RealTwin {
  enum Program: String {
    case good, sick, unbuildable, crashing
  }

  let server: TwinServer
  let client = HTTPClient()
  let scratch: String

  static func with(_ body: (RealTwin) async throws -> Void) async throws {
    var options = TwinOptions()
    options.speed = 50
    options.seed = [
      "workspaces": [["name": "acme"]],
      "projects": [
        [
          "id": "p", "name": "shop", "environments": [["id": "e", "name": "production"]],
          "services": [
            [
              "id": "api", "name": "api",
              "settings": [
                "buildCommand": "sh build.sh", "startCommand": "exec /usr/bin/python3 -u server.py",
                "healthcheckPath": "/health", "healthcheckTimeout": 20,
              ],
            ]
          ],
        ]
      ],
      "tokens": [["token": "t", "kind": "account"]],
    ]
    let scratch = NSTemporaryDirectory() + "twin-tests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    let twin = RealTwin(server: try await TwinServer(options: options), scratch: scratch)
    do {
      try await body(twin)
    } catch {
      Issue.record(error)
    }
    await twin.server.stop()
    twin.client.close()
    try? FileManager.default.removeItem(atPath: scratch)
  }

  var directory: String { (server.core.runtime as? ProcessRuntime)?.directory.path ?? "" }

  static let source = """
    import http.server, json, os, signal, sys, threading, time
    mode = open("mode").read().strip()
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *_): pass
        def do_GET(self):
            if self.path == "/health":
                print("probe for " + self.headers["Host"])
            if self.path == "/hold":
                print("holding")
                ending.wait()
            body = json.dumps({
                "commit": os.environ.get("SHIPIT_COMMIT"), "greeting": os.environ.get("GREETING"),
                "deployment": os.environ["RAILWAY_DEPLOYMENT_ID"], "service": os.environ["RAILWAY_SERVICE_NAME"],
                "built": open("built").read().strip(), "pid": os.getpid()}).encode()
            self.send_response(503 if mode == "sick" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            if self.path == "/hold":
                self.wfile.flush()
                os._exit(0)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    print("listening")
    if mode == "crashing":
        sys.exit(1)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ending.wait()
    time.sleep(0.2)
    """

  /// Writes a program to a directory of its own.
  func write(_ program: Program) throws -> String {
    let directory = scratch + "/" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let build =
      program == .unbuildable ? "echo no; exit 2" : "echo building; echo \"by $SHIPIT_COMMIT\" > built"
    for (name, text) in [("server.py", RealTwin.source), ("mode", program.rawValue), ("build.sh", build)] {
      try text.write(toFile: directory + "/" + name, atomically: true, encoding: .utf8)
    }
    return directory
  }

  func upload(program: Program) async throws -> String {
    let directory = try write(program)
    let archive = try ArchiveWriter(to: directory + ".tgz")
    for name in ["server.py", "mode", "build.sh"] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
      try archive.addFile("./" + name, bytes: Array(bytes))
    }
    try archive.finish()
    let response = try await client.send(
      HTTPRequest(
        method: "POST", url: server.url + "/project/p/environment/e/up?serviceId=api&message=m",
        headers: [("Authorization", "Bearer t")], body: .file(path: directory + ".tgz")))
    #expect(response.status == 200)
    return try #require(try JSON(parsing: response.body)["deploymentId"]?.string)
  }

  func ask(_ query: String, _ variables: JSON = [:]) async throws -> JSON {
    let body: JSON = ["query": .string(query), "variables": variables]
    let response = try await client.send(
      HTTPRequest(
        method: "POST", url: server.url + "/graphql/v2?source=test",
        headers: [("Authorization", "Bearer t"), ("Content-Type", "application/json")],
        body: .bytes(Array(body.serialized().utf8))))
    let answer = try JSON(parsing: response.body)
    #expect(answer["errors"] == nil)
    return answer["data"] ?? .null
  }

  func control(_ command: String, _ body: JSON) async throws {
    let response = try await client.send(
      HTTPRequest(
        method: "POST", url: server.url + "/_twin/" + command, body: .bytes(Array(body.serialized().utf8))))
    #expect(response.status == 200)
  }

  func set(_ variables: [String: JSON]) async throws {
    _ = try await ask(
      "mutation($input: VariableCollectionUpsertInput!) { variableCollectionUpsert(input: $input) }",
      [
        "input": [
          "projectId": "p", "environmentId": "e", "serviceId": "api", "skipDeploys": true,
          "variables": .object(variables),
        ]
      ])
  }

  func configure(_ input: String) async throws {
    _ = try await ask(
      "mutation { serviceInstanceUpdate(serviceId: \"api\", environmentId: \"e\", input: {\(input)}) }")
  }

  func logs(_ id: String) async throws -> [String] {
    let data = try await ask(
      "query($id: String!) { deploymentLogs(deploymentId: $id) { message } }", ["id": .string(id)])
    return data["deploymentLogs"]?.array?.compactMap { $0["message"]?.string } ?? []
  }

  func get(_ path: String) async throws -> JSON {
    let address = try #require(await server.core.state.instances.values.first?.address)
    let answer = try await client.send(HTTPRequest(url: "http://\(address)\(path)", freshConnection: true))
    return (try? JSON(parsing: answer.body)) ?? .null
  }

  func reach(_ id: String, _ status: String) async throws {
    try await until("\(id) is \(status)") {
      guard let deployment = await server.core.state.deployments[id] else { return false }
      if deployment.status.rawValue != status, [.failed, .crashed].contains(deployment.status) {
        let lines = (deployment.buildLogs + deployment.logs).map(\.message)
        throw Refusal("\(deployment.status): \(deployment.events.last?.error ?? ""): \(lines)")
      }
      return deployment.status.rawValue == status
    }
  }

  func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    let clock = SystemClock()
    let deadline = clock.now + .seconds(20)
    while clock.now < deadline {
      if try await condition() { return }
      try await clock.sleep(for: .milliseconds(15))
    }
    Issue.record("waited in vain until \(what)")
  }
}
