import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// Each command line of the runbooks, in its order, in the situation it is for. `prod` is the twin's `demo`.
@Suite(.timeLimit(.minutes(5))) struct `Runbooks` {
  /// A twin and a project with two good releases.
  struct Night: Sendable {
    let project: GitProject
    let twin: TwinProcess

    func shipit(_ arguments: [String]) async throws -> ShipitResult {
      try await project.shipit(arguments, variables: twin.variables)
    }

    func deploy(_ subject: String, _ old: String, _ new: String) async throws -> Int32 {
      try project.change("app/server.py", old, new)
      try await project.commit(subject)
      return try await shipit(["deploy", "demo", "--yes"]).code
    }

    func fault(_ script: JSON) async throws { try await twin.control("POST", "faults", script) }
    func mend() async throws { try await twin.control("DELETE", "faults") }
  }

  /// - Parameter within: how long a service may take to become healthy.
  private func night(within: String = "2s", _ body: (Night) async throws -> Void) async throws {
    // Shorter waits: what is tried here is what to type.
    let environment = try String(
      contentsOfFile: Checkout.root + "/Tests/Support/two-services.yaml", encoding: .utf8
    ).replacingOccurrences(
      of: "within: 4s, steady: 3, grace: 1s, soak: 1s",
      with: "within: \(within), steady: 1, grace: 1s, soak: 200ms"
    ).replacingOccurrences(of: "overlap: 1s, drain: 2s", with: "overlap: 0s, drain: 0s")
    let project = try await GitProject(environment: environment)
    let twin = try await TwinProcess.start(for: project)
    let night = Night(project: project, twin: twin)
    do {
      #expect(try await night.shipit(["deploy", "demo", "--yes"]).code == 0)
      #expect(try await night.deploy("second", "listens", "is listening") == 0)
      try await body(night)
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  /// The command lines of a page.
  private func commands(_ page: String) throws -> [[String]] {
    let text = try String(contentsOfFile: Checkout.root + "/runbooks/\(page).md", encoding: .utf8)
    var found: [[String]] = []
    var isInside = false
    for line in text.split(separator: "\n") {
      let line = line.trimmingCharacters(in: .whitespaces)
      if line.hasPrefix("```") {
        isInside = line == "```sh"
      } else if isInside {
        found.append(words(line))
      }
    }
    // What stands in the text is a command line too.
    for match in text.matches(of: #/`(shipit [^`]+)`/#) { found.append(words(String(match.1))) }
    return found.map { $0.map { $0 == "prod" ? "demo" : $0 } }
  }

  /// A command line's words; what stands in double quotes is one.
  private func words(_ line: String) -> [String] {
    line.split(separator: "\"", omittingEmptySubsequences: false).enumerated().flatMap { index, part in
      index % 2 == 1 ? [String(part)] : part.split(separator: " ").map(String.init)
    }
  }

  /// Runs the page, with what happens meanwhile, and compares how each command ended.
  /// - Parameter before: called before each command, with its number.
  private func follow(
    _ page: String, _ night: Night, ends codes: [Int32], before: (Int) async throws -> Void = { _ in }
  ) async throws {
    let commands = try commands(page)
    #expect(commands.count == codes.count, "\(page): \(commands.count) commands")
    for (number, command) in commands.enumerated() {
      try await before(number)
      let result = try await night.shipit(Array(command.dropFirst()))
      #expect(command.first == "shipit")
      if number < codes.count {
        #expect(
          result.code == codes[number], "\(page) \(number): \(command.joined(separator: " "))\n\(result.text)"
        )
      }
    }
  }

  @Test func `deploy failed`() async throws {
    try await night { night in
      try await night.fault(["deployment": "gate-never-passes", "service": "web"])
      let failed = try await night.deploy("third", "is listening", "listens again")
      #expect(failed == 7)
      let why = try await night.shipit(["why", "demo"])
      #expect(why.code == 0)
      try await follow("deploy-failed", night, ends: [0, 0, 0, 0, 0, 0])
      #expect(try await night.shipit(["status", "demo"]).output.contains("release 4"))
    }
  }

  @Test func `rollback failed`() async throws {
    try await night { night in
      try await night.fault(["deployment": "fails", "service": "web", "trigger": "rollback"])
      let failed = try await night.shipit(["rollback", "demo", "--yes"])
      #expect(failed.code == 10, "\(failed.text)")
      #expect(failed.text.contains("shipit runbook rollback-failed"))
      try await follow("rollback-failed", night, ends: [0, 0, 0, 0, 0, 0, 0])
    }
  }

  @Test func `mixed state`() async throws {
    try await night { night in
      try await night.fault([
        ["deployment": "gate-never-passes", "service": "web"],
        ["deployment": "fails", "service": "api", "trigger": "rollback"],
      ])
      let failed = try await night.deploy("third", "is listening", "listens again")
      #expect(failed == 8)
      try await follow("mixed-state", night, ends: [0, 0, 0, 0, 0, 0, 0, 0]) { number in
        // Somebody mended the cause.
        guard number == 6 else { return }
        try night.project.change("app/server.py", "listens again", "listens well")
        try await night.project.commit("mended")
      }
      let status = try await night.shipit(["status", "demo", "--json"])
      #expect(try JSON(parsing: Array(status.output.utf8))["truth"] == "released")
    }
  }

  /// A deploy of a new commit that another terminal waits for: its gate never passes.
  private func holder(_ night: Night, _ old: String, _ new: String) async throws -> RunningProcess {
    try await night.fault(["deployment": "gate-never-passes", "service": "api"])
    try night.project.change("app/server.py", old, new)
    let commit = try await night.project.commit(new)
    let holder = try Launcher().start(
      ProcessSpecification(
        Checkout.binary, ["deploy", "demo", "--yes"],
        environment: night.project.variables.merging(night.twin.variables) { $1 },
        directory: night.project.path)
    ) { _ in }
    while true {
      let status = try await night.shipit(["status", "demo", "--json", "--offline"])
      let running = try JSON(parsing: Array(status.output.utf8))["running"]
      if running?["commit"]?.string == commit { return holder }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  @Test func `lease held`() async throws {
    // Whoever has to stop is still at it when they are asked.
    try await night(within: "60s") { night in
      let kill = StopLadder([StopLadder.Rung(signal: 9, wait: .seconds(5))])
      var last = try await holder(night, "is listening", "listens again")
      let refused = try await night.shipit(["deploy", "demo", "--yes"])
      #expect(refused.code == 5 && refused.text.contains("shipit runbook lease-held"), "\(refused.text)")
      let unlocked = try await night.shipit(["unlock", "demo", "--yes"])
      #expect(unlocked.code == 5, "it lives: \(unlocked.text)")
      try await follow("lease-held", night, ends: [0, 0, 0, 0, 0]) { number in
        switch number {
        case 2:
          #expect(await last.wait() == .code(130), "asked to stop")
          last = try await holder(night, "listens again", "listens once more")
          _ = await last.stop(kill)
        case 3:
          last = try await holder(night, "listens once more", "listens at last")
          _ = await last.stop(kill)
        default: break
        }
      }
      let status = try await night.shipit(["status", "demo", "--json"])
      #expect(try JSON(parsing: Array(status.output.utf8))["truth"] == "released")
    }
  }

  @Test func `platform down`() async throws {
    try await night { night in
      try await night.fault(["fault": "status", "status": 503, "count": "always"])
      let failed = try await night.deploy("third", "is listening", "listens again")
      #expect(failed != 0)
      try await follow("platform-down", night, ends: [7, 0, 0, 0, 0, 0, 0]) { number in
        if number == 3 { try await night.mend() }
      }
    }
  }

  @Test func `failures name a page that there is`() async throws {
    let pages = try await GitProject().shipit("runbook", "--json")
    let names = try JSON(parsing: Array(pages.output.utf8))["runbooks"]?.array?.compactMap {
      $0["name"]?.string
    }
    #expect(names == ["deploy-failed", "rollback-failed", "mixed-state", "lease-held", "platform-down"])
  }
}
