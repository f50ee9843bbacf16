import Concurrency
import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// Three real processes in three clones deploy A, B and C over one git ledger, in several orders: C stays live, and who
/// comes too late is told by whom and by what (promise 6).
@Suite(.timeLimit(.minutes(8)))
struct NeverBackInTimeTests {
  private struct End: Sendable {
    var place: Int
    var code: Int32
    var text: String
  }

  @Test func threeMachinesAtOnce() async throws {
    let ann = try await GitProject()
    try ann.change("environments/demo.yaml", "state: local", "state: git")
    let remote = ann.scratch.path + "/remote.git"
    try await ann.git("init", "-q", "--bare", remote)
    try await ann.git("remote", "add", "origin", remote)
    var rounds: [[String]] = []
    for round in 0..<3 {
      var commits: [String] = []
      for name in ["A", "B", "C"] { commits.append(try await ann.commit("\(name) of round \(round)")) }
      rounds.append(commits)
    }
    try await ann.git("push", "-q", "origin", "main")
    var machines = [ann]
    for name in ["bo", "cy"] {
      var other = try await GitProject()
      other.variables["USER"] = name
      try await other.git("remote", "add", "origin", remote)
      try await other.git("fetch", "-q", "origin")
      try await other.git("reset", "-q", "--hard", "origin/main")
      machines.append(other)
    }
    let twin = try await TwinProcess.start(for: ann)
    do {
      for (commits, order) in zip(rounds, [[0, 1, 2], [2, 0, 1], [1, 2, 0]]) {
        let ends = try await race(commits, order, machines, twin)
        let story =
          "order \(order): " + ends.map { "\($0.place) → \($0.code)\n\($0.text)" }.joined(separator: "\n")
        #expect(ends.first { $0.place == 2 }?.code == 0, "\(story)")
        for end in ends where end.code != 0 {
          #expect(end.code == 6, "\(story)")
          #expect(commits[(end.place + 1)...].contains { end.text.contains($0.prefix(7)) }, "\(story)")
          #expect(["bo@", "cy@"].contains { end.text.contains($0) }, "\(story)")
        }
        let status = try await ann.shipit("status", "demo", "--json", variables: twin.variables)
        let document = try JSON(parsing: Array(status.output.utf8))
        #expect(document["truth"] == "released", "\(story)\n\(status.text)")
        #expect(status.output.contains(commits[2]), "\(story)\n\(status.text)")
        let history = try await ann.shipit(
          "history", "demo", "--json", "--limit", "3", variables: twin.variables)
        let newest = try JSON(parsing: Array(history.output.utf8))["entries"]?.array?.first {
          $0["isLive"] == true
        }
        #expect(newest?["commit"]?.string == commits[2], "\(story)\n\(history.text)")
      }
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  /// Each insists, as a CI system does, until it is live or overtaken by something newer.
  private func race(
    _ commits: [String], _ order: [Int], _ machines: [GitProject], _ twin: TwinProcess
  ) async throws -> [End] {
    try await withThrowingTaskGroup(of: End.self) { group in
      for place in order {
        let (commit, machine) = (commits[place], machines[place])
        group.addTask {
          while true {
            let result = try await machine.shipit(
              ["deploy", "demo", "--commit", commit, "--yes"], variables: twin.variables,
              timeout: .seconds(180))
            if result.code != 5 { return End(place: place, code: result.code, text: result.text) }
            // Held by another: its end is what is waited for.
            try await Task.sleep(for: .milliseconds(300))
          }
        }
        try await Task.sleep(for: .milliseconds(150))
      }
      return try await group.reduce(into: [End]()) { $0.append($1) }
    }
  }
}
