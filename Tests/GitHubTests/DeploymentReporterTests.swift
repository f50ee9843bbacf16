import Concurrency
import Foundation
import GitHub
import HTTP
import HTTPServer
import JSON
import Model
import TestSupport
import Testing
import Twin

/// What GitHub is told of a run, and that it never stands in its way: against the emulated GitHub, under one clock.
@Suite struct `Deployments on GitHub` {
  static let recording = ProcessInfo.processInfo.environment["SHIPIT_RECORD"].flatMap {
    try? Recording(path: $0)
  }
  static let commits = ["a", "b"].map { String(repeating: $0, count: 40) }

  /// One GitHub, and reporters that come one after the other.
  struct Bench: Sendable {
    let twin: GitHubTwin
    let clock: VirtualClock
    let spawn: Spawner
    let told = Locked<[Failure]>([])

    init(_ clock: VirtualClock, _ spawn: Spawner, permission: String = "write") throws {
      self.clock = clock
      self.spawn = spawn
      twin = try GitHubTwin(
        EmulationSetup(
          seed: [
            "repositories": ["acme/web"],
            "tokens": [["token": "token-1", "permission": .string(permission)]],
          ], clock: clock, recording: `Deployments on GitHub`.recording))
    }

    func reporter(token: String = "token-1") -> DeploymentReporter {
      DeploymentReporter(
        GitHubTarget(
          apiURL: InProcessTransport.bases["github"] ?? "", repository: "acme/web", token: Sensitive(token),
          runURL: "https://github.com/acme/web/actions/runs/7"),
        http: InProcessTransport([twin]), clock: clock, version: "0", spawn: spawn,
        tell: { failure in told.withLock { $0.append(failure) } })
    }

    /// A whole run of a minute.
    func run(
      _ number: Int, commit: String = commits[0], environment: String = "prod",
      state: DeploymentState = .success, _ reporter: DeploymentReporter? = nil
    ) async throws {
      let reporter = reporter ?? self.reporter()
      await reporter.begin(subject(number, commit: commit, environment: environment))
      try await clock.sleep(for: .seconds(60))
      await reporter.end(
        state, description: "release \(number)", environmentURL: "https://\(environment).example.com")
    }

    func subject(_ number: Int, commit: String, environment: String) -> DeploymentSubject {
      DeploymentSubject(
        app: "web", environment: environment, commit: commit, description: "deploy, release \(number)",
        run: number, planDigest: "d\(number)")
    }

    /// The deployments, newest first.
    func deployments() async -> [JSON] { await twin.overview["deployments"]?.array ?? [] }

    func states() async -> [[String]] {
      await deployments().map { ($0["states"]?.array ?? []).compactMap(\.string) }
    }

    func fault(_ script: JSON) async {
      _ = await twin.control(.init(method: "POST", path: "/faults", body: Array(script.serialized().utf8)))
    }
  }

  @Test func `are under way, then successful with the address users get`() throws {
    try VirtualTime().run { clock, spawn in
      let bench = try Bench(clock, spawn)
      try await bench.run(3)
      let made = try #require(await bench.deployments().first)
      #expect(made["sha"]?.string == Self.commits[0])
      #expect(made["environment"] == "prod")
      #expect(made["run"] == "web/prod/3")
      #expect(made["url"] == "https://prod.example.com")
      #expect(made["log"] == "https://github.com/acme/web/actions/runs/7")
      #expect(await bench.states() == [["in_progress", "success"]])
      #expect(bench.told.withLock { $0 } == [])
    }
  }

  @Test func `of production retire the one before, those of other environments are GitHub's to retire`()
    throws
  {
    try VirtualTime().run { clock, spawn in
      let bench = try Bench(clock, spawn)
      for environment in ["prod", "staging"] {
        try await bench.run(1, environment: environment)
        try await bench.run(2, commit: Self.commits[1], environment: environment)
      }
      let retired = ["in_progress", "success", "inactive"]
      let live = ["in_progress", "success"]
      #expect(await bench.states() == [live, retired, live, retired])
    }
  }

  @Test func `that failed leave the one before as it is`() throws {
    try VirtualTime().run { clock, spawn in
      let bench = try Bench(clock, spawn)
      try await bench.run(1)
      try await bench.run(2, commit: Self.commits[1], state: .failure)
      #expect(await bench.states() == [["in_progress", "failure"], ["in_progress", "success"]])
    }
  }

  @Test(arguments: ["cut", "none"]) func `are made once, though the run was killed or the answer lost`(
    _ fault: String
  ) throws {
    try VirtualTime().run { clock, spawn in
      let bench = try Bench(clock, spawn)
      if fault != "none" { await bench.fault(["fault": .string(fault), "operation": "create-deployment"]) }
      let killed = bench.reporter()
      await killed.begin(bench.subject(3, commit: Self.commits[0], environment: "prod"))
      try await clock.sleep(for: .seconds(10))
      #expect(await bench.deployments().count == 1)
      try await bench.run(3)
      #expect(await bench.deployments().count == 1)
      #expect(await bench.states().first?.last == "success")
    }
  }

  @Test(arguments: ["hang", "status", "refuse", "rate-limited", "not-json"])
  func `that cannot be told cost two seconds at most and are mentioned once`(_ fault: String) throws {
    try VirtualTime().run { clock, spawn in
      let bench = try Bench(clock, spawn)
      await bench.fault(["fault": .string(fault), "count": "always"])
      let reporter = bench.reporter()
      await reporter.begin(bench.subject(3, commit: Self.commits[0], environment: "prod"))
      let before = clock.now
      await reporter.end(.success, description: "release 3", environmentURL: nil)
      #expect(clock.now - before <= .seconds(2))
      #expect(bench.told.withLock { $0.count } <= 1)
      #expect(await bench.deployments() == [])
    }
  }

  @Test func `at the end of a run that took no time still get their end within two seconds`() throws {
    try VirtualTime().run { clock, spawn in
      let bench = try Bench(clock, spawn)
      let reporter = bench.reporter()
      await reporter.begin(bench.subject(3, commit: Self.commits[0], environment: "prod"))
      let before = clock.now
      await reporter.end(.failure, description: "release 3", environmentURL: nil)
      #expect(clock.now - before <= .seconds(2))
      #expect(await bench.states() == [["failure"]])
    }
  }

  @Test func `without the right say which right is wanted`() throws {
    try VirtualTime().run { clock, spawn in
      let bench = try Bench(clock, spawn, permission: "read")
      try await bench.run(3)
      let failure = try #require(bench.told.withLock { $0 }.first)
      #expect(bench.told.withLock { $0.count } == 1)
      #expect(failure.message == "GitHub refused with status 403, which wants deployments=write")
      #expect(failure.cause == "Resource not accessible by integration")
      #expect(failure.hint?.contains("deployments: write") == true)
      try await bench.run(4, bench.reporter(token: "wrong"))
      #expect(bench.told.withLock { $0.last?.cause } == "Bad credentials")
    }
  }

  @Test func `are not made of what is no commit`() throws {
    try VirtualTime().run { clock, spawn in
      let bench = try Bench(clock, spawn)
      try await bench.run(3, commit: "sha256:" + String(repeating: "a", count: 64))
      #expect(await bench.deployments() == [])
      #expect(bench.told.withLock { $0 } == [])
    }
  }

  @Test func `are paged and named by the next page, as GitHub does`() throws {
    try VirtualTime().run { clock, spawn in
      let bench = try Bench(clock, spawn)
      for number in 1...3 { try await bench.run(number) }
      let transport = InProcessTransport([bench.twin])
      let answer = try await transport.send(
        HTTPRequest(
          url: (InProcessTransport.bases["github"] ?? "") + "/repos/acme/web/deployments?per_page=2",
          headers: [("Authorization", "Bearer token-1"), ("User-Agent", "test")]))
      #expect(try JSON(parsing: answer.body).array?.count == 2)
      #expect(answer.header("Link")?.contains("page=2>; rel=\"next\"") == true)
    }
  }
}
