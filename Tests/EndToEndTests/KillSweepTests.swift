import Foundation
import JSON
import Model
import Processes
import TestSupport
import Testing

/// shipit killed with SIGKILL at writes of its journal, then run again (promises 1, 2 and 4).
@Suite(.serialized) struct KillSweepTests {
  @Test(.timeLimit(.minutes(10)))
  func aKilledDeployIsContinuedWithoutRepeatingAFinishedStep() async throws {
    guard let shim = try await KillShim.build() else {
      print("skipped: no C compiler to build the library that kills at a write")
      return
    }
    let project = try await GitProject()
    let twin = try await TwinProcess.start(for: project)
    do {
      try await sweep(project, twin, shim)
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  @Test(.timeLimit(.minutes(15)))
  func aKilledDeployThatFailsIsStillPutBack() async throws {
    guard let shim = try await KillShim.build() else {
      print("skipped: no C compiler to build the library that kills at a write")
      return
    }
    let project = try await GitProject()
    // A gate that gives up soon, for every round waits for it.
    try project.change("environments/demo.yaml", "within: 4s", "within: 1s")
    let good = try await project.commit("good")
    let twin = try await TwinProcess.start(for: project)
    do {
      let first = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      try #require(first.code == 0, "\(first.text)")
      try project.change("app/server.py", "HEALTHY = True", "HEALTHY = ROLE != \"web\"")
      try await project.commit("bad")
      let counted = try await project.shipit(
        ["deploy", "demo", "--yes"], variables: twin.variables.merging(shim.variables(at: 0)) { $1 })
      try #require(counted.code == 7, "\(counted.text)")
      let writes = try shim.count()
      for at in stride(from: 3, through: writes, by: Checkout.isLong ? 1 : max(1, writes / 3)) {
        try await killFailing(at: at, good, project, twin, shim)
      }
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  private func killFailing(
    at: Int, _ good: String, _ project: GitProject, _ twin: TwinProcess, _ shim: KillShim
  ) async throws {
    try await project.commit("bad, killed at write \(at)")
    let place = "a failing deploy killed at write \(at)"
    let killed = try await project.shipit(
      ["deploy", "demo", "--yes"], variables: twin.variables.merging(shim.variables(at: at)) { $1 })
    try #require(killed.code == 137 || killed.code == 7, "\(place): \(killed.code) \(killed.text)")
    let again = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
    // 12: everything had been put back and recorded, and the commit is refused.
    #expect(again.code == 7 || again.code == 12, "\(place), then run again: \(again.code) \(again.text)")
    let status = try await project.shipit("status", "demo", "--json", variables: twin.variables)
    let report = try JSON(parsing: Array(status.output.utf8))
    #expect(report["truth"]?.string == "previous", "\(place): \(status.output)")
    for service in report["services"]?.array ?? [] {
      #expect(service["commit"]?.string == good, "\(place): \(service.serialized())")
      #expect(service["live"]?["matches"]?.bool == true, "\(place): \(service.serialized())")
    }
  }

  private func sweep(_ project: GitProject, _ twin: TwinProcess, _ shim: KillShim) async throws {
    let first = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
    try #require(first.code == 0, "\(first.text)")
    // How many writes one deploy makes, told by the library itself.
    try await project.commit("count")
    let counted = try await project.shipit(
      ["deploy", "demo", "--yes"], variables: twin.variables.merging(shim.variables(at: 0)) { $1 })
    try #require(counted.code == 0, "\(counted.text)")
    let writes = try shim.count()
    try #require(writes > 20, "only \(writes) writes were seen")
    let every = Checkout.isLong ? 1 : max(1, writes / 5)
    for at in stride(from: 1, through: writes, by: every) {
      for when in Checkout.isLong ? ["before", "after"] : [at % 2 == 0 ? "before" : "after"] {
        try await kill(at: at, when, project, twin, shim)
      }
    }
  }

  private func kill(at: Int, _ when: String, _ project: GitProject, _ twin: TwinProcess, _ shim: KillShim)
    async throws
  {
    let commit = try await project.commit("kill \(when) write \(at)")
    let killed = try await project.shipit(
      ["deploy", "demo", "--yes"],
      variables: twin.variables.merging(shim.variables(at: at, when: when)) { $1 })
    let place = "killed \(when) write \(at)"
    // The number of heartbeats varies, so the last few writes may not be reached.
    try #require(killed.code == 137 || killed.code == 0, "\(place): \(killed.code) \(killed.text)")

    let status = try await project.shipit("status", "demo", "--json", "--offline", variables: twin.variables)
    #expect(status.code == 0, "\(place): \(status.text)")
    let truth = try JSON(parsing: Array(status.output.utf8))["truth"]?.string
    let isLive = try await live(commit, twin)
    if truth == "released" {
      let recorded = try JSON(parsing: Array(status.output.utf8))["release"]?["commit"]?.string
      #expect(recorded != commit || isLive, "\(place): status says released, the platform does not")
    } else {
      #expect(truth == "in-flight", "\(place): status says \(truth ?? "nothing")")
    }

    let again = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
    #expect(again.code == 0, "\(place), then run again: \(again.text)")
    #expect(try await live(commit, twin), "\(place): the new commit is not live at the end")
    let made = try await deployments(of: commit, twin)
    #expect(made == ["api": 1, "web": 1], "\(place): deployments made: \(made)")
    let settled = try await project.shipit("status", "demo", "--json", "--offline", variables: twin.variables)
    #expect(try JSON(parsing: Array(settled.output.utf8))["truth"]?.string == "released", "\(place)")
  }

  /// How many deployments the platform made of a commit, by service.
  private func deployments(of commit: String, _ twin: TwinProcess) async throws -> [String: Int] {
    let state = try await twin.control("GET", "state")
    var counts: [String: Int] = [:]
    for deployment in state["deployments"]?.array ?? [] {
      guard deployment["message"]?.string?.contains(commit) ?? false,
        let service = deployment["service"]?.string
      else { continue }
      counts[service, default: 0] += 1
    }
    return counts
  }

  /// Whether every service serves a commit, by the platform's own state.
  private func live(_ commit: String, _ twin: TwinProcess) async throws -> Bool {
    let state = try await twin.control("GET", "state")
    let deployments = state["deployments"]?.array ?? []
    return (state["services"]?.array ?? []).allSatisfy { service in
      let active = Set((service["active"]?.array ?? []).compactMap(\.string))
      return deployments.contains { deployment in
        active.contains(deployment["id"]?.string ?? "") && deployment["status"]?.string == "SUCCESS"
          && deployment["message"]?.string?.contains(commit) ?? false
      }
    }
  }
}

/// The preloaded library that counts synchronisations of the ledger and kills at the wanted one.
struct KillShim {
  let scratch: ScratchDirectory
  let library: String

  /// Nil when there is no C compiler.
  static func build() async throws -> KillShim? {
    let scratch = try ScratchDirectory()
    let library = scratch.path + "/kill_at_write.so"
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    do {
      let result = try await Launcher().run(
        ProcessSpecification(
          "cc",
          [
            "-shared", "-fPIC", "-O1", "-o", library, Checkout.root + "/Tests/Support/kill_at_write.c",
            "-ldl",
          ],
          environment: ["PATH": path]))
      guard result.exit.isSuccess else { throw ProcessError(code: .other, description: result.errorText) }
    } catch let error as ProcessError where error.code == .notFound {
      return nil
    }
    return KillShim(scratch: scratch, library: library)
  }

  func variables(at write: Int, when: String = "before") -> [String: String] {
    [
      "LD_PRELOAD": library, "KILL_AT": String(write), "KILL_WHEN": when,
      "KILL_COUNT": scratch.path + "/count",
    ]
  }

  /// The writes of the last counted process.
  func count() throws -> Int {
    let text = try String(contentsOfFile: scratch.path + "/count", encoding: .utf8)
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
  }
}
