import Foundation
import Processes
import TestSupport
import Testing

/// On call: the ledger without a checkout, and a checkout without the ledger.
@Suite(.timeLimit(.minutes(5))) struct WithoutCheckoutTests {
  /// Two releases of the demo, and what the test does with them.
  private func deployed(
    _ body: (GitProject, [String: String], (first: String, second: String)) async throws -> Void
  ) async throws {
    let project = try await GitProject()
    let twin = try await TwinProcess.start(for: project)
    do {
      let first = try await project.git("rev-parse", "HEAD")
      #expect(try await project.shipit("deploy", "demo", "--yes", variables: twin.variables).code == 0)
      try project.change("app/server.py", "listens", "is listening")
      let second = try await project.commit("second")
      #expect(try await project.shipit("deploy", "demo", "--yes", variables: twin.variables).code == 0)
      try await body(project, twin.variables, (first, second))
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  @Test func theLedgerAloneTellsAndGoesBack() async throws {
    try await deployed { project, variables, commits in
      let alone = project.scratch.path + "/alone"
      try FileManager.default.createDirectory(atPath: alone, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: project.path + "/.shipit", toPath: alone + "/.shipit")
      // Neither environments/ nor a repository above it.
      func shipit(_ arguments: String...) async throws -> ShipitResult {
        try await project.shipit(arguments + ["--root", alone], variables: variables)
      }
      for command in ["status", "history", "why"] {
        let result = try await shipit(command, "demo")
        #expect(result.code == 0, "\(command): \(result.text)")
        #expect(result.text.contains("environment file not found: working from release 2's record"))
        #expect(result.text.contains(commits.second.prefix(7)), "\(command): \(result.text)")
      }
      #expect(try await shipit("logs", "demo", "api", "--lines", "3").code == 0)
      // Without a name it finds the environments of the ledgers.
      #expect(try await shipit("status").text.contains(commits.second.prefix(7)))
      let back = try await shipit("rollback", "demo", "--yes", "--reason", "errors")
      #expect(back.code == 0, "\(back.text)")
      let status = try await shipit("status", "demo")
      #expect(status.output.contains("restored release 1"), "\(status.text)")
      #expect(status.output.contains(commits.first.prefix(7)))
      #expect(try await shipit("unhold", "demo").output.contains("it was: rolled back to release 1: errors"))
      // What needs the file says so.
      #expect(try await shipit("deploy", "demo", "--yes").code == 2)
    }
  }

  @Test func withoutALedgerThePlatformsHistoryIsTakenAndCalledAGuess() async throws {
    try await deployed { project, variables, commits in
      try FileManager.default.removeItem(atPath: project.path + "/.shipit")
      let refused = try await project.shipit(
        "rollback", "demo", "--without-ledger", "--to", "1", variables: variables)
      #expect(refused.code == 2)
      #expect(refused.errorOutput.contains("--to names a release of the ledger"))
      // Nobody is there to agree to a guess.
      #expect(
        try await project.shipit("rollback", "demo", "--without-ledger", variables: variables).code == 2)
      let back = try await project.shipit(
        "rollback", "demo", "--without-ledger", "--yes", variables: variables)
      #expect(back.code == 0, "\(back.text)")
      for words in [
        "a guess, from the platforms’ own history", "of commit \(commits.first.prefix(7)), live until about",
        "may never have been one release", "nobody else was kept out", "what served before is live again",
        "shipit hold demo",
      ] { #expect(back.text.contains(words), "\(words) is not said: \(back.text)") }
      #expect(!FileManager.default.fileExists(atPath: project.path + "/.shipit/demo.db"))
    }
  }

  @Test func withNeitherItNamesTheWaysOn() async throws {
    let project = try await GitProject()
    let empty = project.scratch.path + "/empty"
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    let result = try await project.shipit("rollback", "prod", "--root", empty)
    #expect(result.code == 2)
    for words in ["environments/prod.yaml", ".shipit/prod.db", "--without-ledger", "--root DIR", "tokens"] {
      #expect(result.errorOutput.contains(words), "\(result.text)")
    }
  }
}
