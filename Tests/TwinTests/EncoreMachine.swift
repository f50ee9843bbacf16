import Concurrency
import Foundation
import HTTP
import JSON
import Processes
import TestSupport
import Testing

@testable import Twin

/// A twin on sockets with Encore, a git repository of an application, and the command's stand-in.
struct EncoreMachine {
  let server: TwinServer
  let encore: EncoreTwin
  let url: String
  let directory: ScratchDirectory
  let client = HTTPClient()
  var scratch: String { directory.path }

  static func with(_ body: (EncoreMachine) async throws -> Void) async throws {
    let directory = try ScratchDirectory()
    let repository = directory.path + "/repository"
    var options = TwinOptions()
    options.speed = 40
    options.record = directory.path + "/record"
    options.seed = [
      "encore": [
        "apps": [
          [
            "slug": "shop-x1", "lang": "go", "repository": .string(repository), "root": "jobs",
            "build": "test \"$(cat says)\" != unbuildable", "start": "exec python3 -u server.py",
            "requires": ["JWT"],
            "databases": [
              "main": [
                "migrations": "jobs/migrations",
                "address": "postgresql://encore:dummy@127.0.0.1:5432/main?sslmode=disable",
              ]
            ],
            "environments": [["name": "prod", "type": "production", "mixed": 0.5]],
            "secrets": [["key": "JWT", "types": ["production"], "value": "dummy"]],
          ]
        ],
        "clients": [["id": "o2c_deployer", "secret": "s3cret"]], "authKeys": [["key": "ena_key"]],
      ]
    ]
    let server = try await TwinServer(options: options)
    let encore = try #require(server.others.compactMap { $0 as? EncoreTwin }.first)
    let url = try #require(server.endpointVariables.first { $0.0 == "SHIPIT_ENCORE_URL" }?.1)
    let machine = EncoreMachine(server: server, encore: encore, url: url, directory: directory)
    do {
      try FileManager.default.createDirectory(atPath: repository, withIntermediateDirectories: true)
      try await machine.git("init", "-q", "-b", "main", ".")
      try machine.write("encore.app", "{\n  // The application.\n  \"id\": \"shop-x1\",\n}\n")
      try machine.write("jobs/server.py", EncoreMachine.program)
      try await body(machine)
    } catch {
      Issue.record(error)
    }
    await server.stop()
    machine.client.close()
  }

  static let program = """
    import http.server, json, os
    says = open("says").read().strip()
    if says == "broken":
        raise SystemExit(3)
    print("serving " + says, flush=True)
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *_): pass
        def do_GET(self):
            body = json.dumps({
                "path": self.path, "says": says, "revision": os.environ["ENCORE_APP_REVISION"],
                "deploy": os.environ["ENCORE_DEPLOY_ID"], "secrets": os.environ["ENCORE_APP_SECRETS"]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
    """

  // MARK: the repository

  @discardableResult
  func git(_ arguments: String...) async throws -> String {
    let result = try await Launcher().run(
      ProcessSpecification(
        "git", arguments, environment: variables, directory: scratch + "/repository"))
    guard result.exit.isSuccess else { throw Refusal(result.errorText) }
    return result.text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  func write(_ file: String, _ text: String) throws {
    try directory.write(text, to: "repository/" + file)
  }

  /// Commits a program that says something, with these migration files alone, and gives the full id.
  func commit(_ says: String, migrations: [Int] = [], extra: String? = nil) async throws -> String {
    try? FileManager.default.removeItem(atPath: scratch + "/repository/jobs/migrations")
    for version in migrations { try write("jobs/migrations/\(version)_step.up.sql", "select \(version);\n") }
    if let extra { try write(extra, "select 1;\n") }
    try write("jobs/says", says + "\n")
    try await git("add", "-A")
    try await git("commit", "-q", "--allow-empty", "-m", says)
    return try await git("rev-parse", "HEAD")
  }

  // MARK: the platform

  struct Answer {
    var status: Int
    var body: JSON
  }

  func send(_ method: String, _ path: String, _ body: [UInt8], _ headers: [(name: String, value: String)])
    async throws
    -> Answer
  {
    let response = try await client.send(
      HTTPRequest(
        method: method, url: url + path, headers: headers, body: body.isEmpty ? .none : .bytes(body)))
    return Answer(status: response.status, body: (try? JSON(parsing: response.body)) ?? .null)
  }

  func trigger(_ body: JSON) async throws -> Answer {
    let form = "grant_type=client_credentials&client_id=o2c_deployer&client_secret=s3cret"
    let grant = try await send(
      "POST", "/api/oauth/token", Array(form.utf8), [("Content-Type", "application/x-www-form-urlencoded")])
    let token = try #require(grant.body["access_token"]?.string)
    return try await send(
      "POST", "/api/apps/shop-x1/envs/prod/rollouts", Array(body.serialized().utf8),
      [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")])
  }

  func deploy(_ sha: String) async throws -> String {
    let answer = try await trigger(["sha": .string(sha)])
    return try #require(answer.body["id"]?.string, "\(answer.body.serialized())")
  }

  func conclude(_ id: String, _ conclusion: String) async throws {
    try await until("\(id) is a \(conclusion)") {
      guard let rollout = await encore.state.rollouts[id], let found = rollout.conclusion else {
        return false
      }
      if found.rawValue != conclusion { throw Refusal("\(rollout.reason ?? ""): \(rollout.lines)") }
      return true
    }
  }

  func control(_ path: String, _ body: JSON) async throws {
    let answer = try await send("POST", "/_twin/" + path, Array(body.serialized().utf8), [])
    #expect(answer.status == 200, "\(answer.body.serialized())")
  }

  /// What the application answers at its address; null when it is no JSON.
  func get(_ path: String) async throws -> JSON {
    let address = try #require(await encore.state.environments.values.first?.address)
    let answer = try await client.send(HTTPRequest(url: "http://\(address)\(path)", freshConnection: true))
    return (try? JSON(parsing: answer.body)) ?? .null
  }

  func manifest(_ method: String, _ name: String, _ reference: String) async throws -> HTTPResponse {
    try await client.send(HTTPRequest(method: method, url: "\(url)/v2/\(name)/manifests/\(reference)"))
  }

  // MARK: the command

  private var variables: [String: String] {
    [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": scratch,
      "LANG": "C.UTF-8", "ENCORE_CONFIG_DIR": scratch + "/config", "ENCORE_PLATFORM_API_URL": url,
      "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_AUTHOR_NAME": "Ann",
      "GIT_AUTHOR_EMAIL": "ann@example.com", "GIT_COMMITTER_NAME": "Ann",
      "GIT_COMMITTER_EMAIL": "ann@example.com",
    ]
  }

  func command(_ arguments: String..., input: String = "") async throws -> ProcessResult {
    try await command(arguments, input: input)
  }

  func command(_ arguments: [String], input: String = "") async throws -> ProcessResult {
    try await Launcher().run(
      ProcessSpecification(
        Checkout.root + "/Tests/Support/encore-stand-in/encore", arguments, environment: variables,
        directory: scratch + "/repository", input: Array(input.utf8)))
  }

  func logIn() async throws {
    #expect(try await command("auth", "login", "--auth-key=ena_key").exit == .code(0))
  }

  func permissions(of file: String) throws -> Int? {
    let attributes = try FileManager.default.attributesOfItem(atPath: scratch + "/" + file)
    return (attributes[.posixPermissions] as? NSNumber)?.intValue
  }

  func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    let clock = SystemClock()
    let deadline = clock.now + .seconds(30)
    while clock.now < deadline {
      if try await condition() { return }
      try await clock.sleep(for: .milliseconds(15))
    }
    Issue.record("waited in vain until \(what)")
  }
}
