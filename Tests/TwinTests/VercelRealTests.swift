import Concurrency
import Crypto
import Foundation
import HTTP
import JSON
import Testing

@testable import Twin

/// A twin on sockets whose Vercel builds with real commands and serves by host.
struct RealVercel {
  let server: TwinServer
  let twin: VercelTwin
  let client = HTTPClient()
  let base: String
  let scratch: String

  static func with(_ body: (RealVercel) async throws -> Void) async throws {
    let scratch = NSTemporaryDirectory() + "vercel-twin-tests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    var options = TwinOptions()
    options.speed = 50
    options.record = scratch + "/record"
    options.seed = [
      "vercel": [
        "teams": [["slug": "acme"]],
        "projects": [
          [
            "name": "demo", "team": "acme", "protection": "none", "domains": ["www.demo.localhost"],
            "env": ["GREETING": "hello"],
            "settings": ["buildCommand": "sh build.sh", "outputDirectory": "dist"],
          ]
        ],
        "tokens": [["token": "t"]],
      ]
    ]
    let server = try await TwinServer(options: options)
    let twin = try #require(server.others.compactMap { $0 as? VercelTwin }.first)
    let base = try #require(server.endpointVariables.first { $0.0 == "SHIPIT_VERCEL_URL" }?.1)
    let real = RealVercel(server: server, twin: twin, base: base, scratch: scratch)
    do {
      try await body(real)
    } catch {
      Issue.record(error)
    }
    await server.stop()
    real.client.close()
    try? FileManager.default.removeItem(atPath: scratch)
  }

  var directory: String { (twin.builder as? VercelProcessBuilder)?.path ?? "" }

  func ask(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> JSON {
    let separator = path.contains("?") ? "&" : "?"
    let response = try await client.send(
      HTTPRequest(
        method: method, url: base + path + separator + "teamId=acme",
        headers: [("Authorization", "Bearer t"), ("Content-Type", "application/json")],
        body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none))
    #expect((200..<300).contains(response.status), "\(response.status) \(response.text)")
    return response.body.isEmpty ? .null : try JSON(parsing: response.body)
  }

  /// Uploads a build script that writes the page, and creates a staged or a plain production deployment.
  func create(_ script: String, staged: Bool, more: [String: JSON] = [:]) async throws -> String {
    let bytes = Array(script.utf8)
    let digest = SHA1.hex(of: bytes)
    let uploaded = try await client.send(
      HTTPRequest(
        method: "POST", url: base + "/v2/files?teamId=acme",
        headers: [("Authorization", "Bearer t"), ("x-vercel-digest", digest)], body: .bytes(bytes)))
    #expect(uploaded.status == 200)
    var body: [String: JSON] = [
      "name": "demo", "target": "production",
      "files": [["file": "build.sh", "sha": .string(digest), "size": .int(Int64(bytes.count))]],
    ]
    if staged { body["autoAssignCustomDomains"] = false }
    body.merge(more) { $1 }
    return try #require(try await ask("POST", "/v13/deployments?forceNew=1", .object(body))["id"]?.string)
  }

  /// Waits until the deployment is ready with its aliases, or has the state.
  func reach(_ id: String, _ state: String = "READY") async throws {
    try await until("\(id) is \(state)") {
      let told = try await ask("GET", "/v13/deployments/\(id)")
      return told["readyState"]?.string == state && (state != "READY" || told["aliasAssigned"] == true)
    }
  }

  /// What a host answers, asked by its name.
  func visit(_ host: String, _ path: String = "/") async throws -> HTTPResponse {
    let place = host.contains(":") ? host : "\(host):\(await twin.edgePort)"
    return try await client.send(HTTPRequest(url: "http://\(place)\(path)", freshConnection: true))
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

@Suite(.serialized, .timeLimit(.minutes(5))) struct VercelRealTests {
  static let script =
    #"mkdir dist && echo "$GREETING $1 $VERCEL_ENV $OWN" > dist/index.html; env > dist/env.txt"#

  @Test func aBuildRunsWithTheSnapshotAndIsServedByHostStagedThenPromotedThenRolledBack() async throws {
    try await RealVercel.with { real in
      let first = try await real.create(Self.script, staged: false)
      try await real.reach(first)
      try await real.until("the domain serves") { try await real.visit("www.demo.localhost").status == 200 }
      #expect(try await real.visit("www.demo.localhost").text == "hello  production \n")
      let variables = try await real.visit("www.demo.localhost", "/env.txt").text.split(separator: "\n")
      let names = Set(variables.compactMap { $0.split(separator: "=").first.map(String.init) })
      #expect(names.isSuperset(of: ["PATH", "HOME", "GREETING", "VERCEL_URL", "CI"]))
      // Of this process only the search path is handed on.
      #expect(names.isDisjoint(with: ["USER", "SWIFT_BACKTRACE", "LOGNAME", "SHIPIT_RECORD"]))
      let logs = try await real.ask("GET", "/v3/deployments/\(first)/events?builds=1&limit=-1")
      #expect(logs.array?.contains { $0["text"] == #"Running "sh build.sh""# } == true)

      let second = try await real.create(
        Self.script, staged: true, more: ["env": ["GREETING": "bye"], "build": ["env": ["OWN": "own"]]])
      try await real.reach(second)
      let url = try #require(try await real.ask("GET", "/v13/deployments/\(second)")["url"]?.string)
      #expect(try await real.visit(url).text == "bye  production own\n")
      #expect(try await real.visit("www.demo.localhost").header("X-Twin-Deployment") == first)
      #expect(
        try await real.visit("nobody.vercel.localhost").header("X-Vercel-Error") == "DEPLOYMENT_NOT_FOUND")

      // A client that asks all the time sees the old one, then the new one, and nothing else.
      let poller = Task { [real] in
        var seen: [String] = []
        while !Task.isCancelled {
          let answer = try await real.visit("www.demo.localhost")
          let who = answer.status == 200 ? answer.header("X-Twin-Deployment") ?? "" : "\(answer.status)"
          if seen.last != who { seen.append(who) }
          if who == second { break }
        }
        return seen
      }
      _ = try await real.ask("POST", "/v10/projects/demo/promote/\(second)", [:])
      #expect(try await poller.value == [first, second])
      _ = try await real.ask("POST", "/v1/projects/demo/rollback/\(first)")
      try await real.until("the old one is back") {
        try await real.visit("www.demo.localhost").header("X-Twin-Deployment") == first
      }
      #expect(try await real.ask("GET", "/v9/projects/demo")["autoAssignCustomDomains"] == false)
      let log = await real.twin.edgeRequests.filter { $0.host == "www.demo.localhost" && $0.status == 200 }
      #expect(log.allSatisfy { $0.deployment == first || $0.deployment == second })
    }
  }

  @Test func aFailingBuildIsSeenNowhereButInItsOwnState() async throws {
    try await RealVercel.with { real in
      let good = try await real.create(Self.script, staged: false)
      try await real.reach(good)
      for (script, message) in [
        ("echo no >&2; exit 3", "Command \"sh build.sh\" exited with 3"),
        ("true", "No Output Directory named \"dist\" found"),
      ] {
        let bad = try await real.create(script, staged: false)
        try await real.reach(bad, "ERROR")
        let told = try await real.ask("GET", "/v13/deployments/\(bad)")
        #expect(told["errorMessage"]?.string == message)
        #expect(told["errorStep"] == "buildStep")
      }
      try await real.until("the domain serves") {
        try await real.visit("www.demo.localhost").header("X-Twin-Deployment") == good
      }
    }
  }

  @Test func aCanceledBuildIsEndedAndNothingIsLeftInTheEnd() async throws {
    var directory = ""
    var process: Int32 = 0
    try await RealVercel.with { real in
      directory = real.directory
      let note = real.scratch + "/pid"
      let id = try await real.create("echo $$ > \(note); exec sleep 600", staged: false)
      try await real.until("it is building") {
        guard let text = try? String(contentsOfFile: note, encoding: .utf8),
          let found = Int32(text.dropLast())
        else {
          return false
        }
        process = found
        return true
      }
      let told = try await real.ask("PATCH", "/v12/deployments/\(id)/cancel")
      #expect(told["readyState"] == "CANCELED")
      try await real.until("the command is gone") { kill(process, 0) != 0 }
    }
    #expect(!directory.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: directory))
  }

  @Test func theControlSurfaceShowsEveryPlatformAndExchangesAreRecorded() async throws {
    try await RealVercel.with { real in
      let control = real.server.url + "/_twin/"
      let script: JSON = ["fault": "status", "status": 502, "operation": "getProject"]
      let added = try await real.client.send(
        HTTPRequest(
          method: "POST", url: control + "vercel/faults", body: .bytes(Array(script.serialized().utf8))))
      #expect(added.status == 200)
      let failed = try await real.client.send(
        HTTPRequest(
          url: real.base + "/v9/projects/demo?teamId=acme", headers: [("Authorization", "Bearer t")]))
      #expect(failed.status == 502)
      _ = try await real.ask("GET", "/v9/projects/demo")
      let state = try JSON(parsing: try await real.client.send(HTTPRequest(url: control + "state")).body)
      #expect(state["platforms"]?["vercel"]?["projects"]?[0]?["name"] == "demo")
      let counts = try await real.client.send(HTTPRequest(url: control + "vercel/counts"))
      #expect(try JSON(parsing: counts.body)["getProject"] == 2)
      let record = try String(contentsOfFile: real.scratch + "/record", encoding: .utf8)
      let last = try JSON(parsing: Array((record.split(separator: "\n").last ?? "").utf8))
      #expect(last["platform"] == "vercel")
      #expect(last["path"] == "/v9/projects/demo")
      #expect(last["query"] == ["teamId": "acme"])
      #expect(last["status"] == 200)
      #expect(last["response"]?["name"] == "demo")
    }
  }
}
