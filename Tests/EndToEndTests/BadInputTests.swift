import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// Bad input to every command: a clear error, its documented code, and nothing lost.
@Suite(.timeLimit(.minutes(5))) struct BadInputTests {
  /// Commands that read an environment, with what they need beside it.
  private static let commands: [[String]] = [
    ["plan"], ["deploy"], ["rollback"], ["status"], ["history"], ["logs", "api"], ["why"], ["doctor"],
    ["hold"],
    ["unhold"], ["validate"],
  ]

  private func arguments(_ command: [String], _ environment: String) -> [String] {
    [command[0], environment] + command.dropFirst()
  }

  /// What an error must have: what happened, and what to type next.
  private func expectError(
    _ result: ShipitResult, _ code: Int32, _ words: String..., comment: String,
    location: SourceLocation = #_sourceLocation
  ) {
    #expect(result.code == code, "\(comment): \(result.text)", sourceLocation: location)
    #expect(result.errorOutput.contains("error"), "\(comment): \(result.text)", sourceLocation: location)
    for word in words {
      #expect(
        result.text.contains(word), "\(comment) does not say “\(word)”: \(result.text)",
        sourceLocation: location)
    }
  }

  @Test func everyCommandRefusesAnUnknownEnvironmentWithASuggestion() async throws {
    let project = try await GitProject()
    for command in Self.commands {
      let result = try await project.shipit(arguments(command, "dmo"))
      expectError(result, 2, "dmo", "demo", comment: command[0])
    }
  }

  @Test func everyCommandSaysThatThereIsNoProject() async throws {
    let project = try await GitProject()
    for command in Self.commands {
      let result = try await project.shipit(
        arguments(command, "demo") + ["--root", project.scratch.path + "/nowhere"])
      expectError(result, 2, "nowhere", comment: command[0])
    }
  }

  @Test func everyActingCommandRefusesAFileWithMistakes() async throws {
    let project = try await GitProject()
    try project.change("environments/demo.yaml", "healt", "healt")
    try project.change("environments/demo.yaml", "protect:", "protekt:")
    for command in Self.commands where command != ["validate"] {
      let result = try await project.shipit(arguments(command, "demo"))
      expectError(result, 2, "protekt", "protect", comment: command[0])
    }
  }

  @Test func aMissingTokenIsNamedBeforeAnythingIsTouched() async throws {
    let project = try await GitProject()
    for command in [["plan"], ["deploy"], ["rollback"], ["logs", "api"]] {
      let result = try await project.shipit(arguments(command, "demo"))
      expectError(result, 2, "RAILWAY_API_TOKEN", "next", comment: command[0])
    }
  }

  @Test func anUnreachablePlatformIsSaidWithItsAddress() async throws {
    let project = try await GitProject()
    let variables = [
      "SHIPIT_RAILWAY_URL": "http://127.0.0.1:9", "RAILWAY_API_TOKEN": "some-token",
      "DEMO_API_KEY": "some-key-value",
    ]
    let result = try await project.shipit("plan", "demo", variables: variables)
    expectError(result, 7, "127.0.0.1:9", comment: "plan")
    // The ledger answers all the same.
    let status = try await project.shipit("status", "demo", variables: variables)
    #expect(status.code == 0, "\(status.text)")
  }

  @Test func anEndpointThatIsNeitherLoopbackNorHTTPSIsRefused() async throws {
    let project = try await GitProject()
    let result = try await project.shipit(
      "plan", "demo",
      variables: [
        "SHIPIT_RAILWAY_URL": "http://example.com", "RAILWAY_API_TOKEN": "some-token",
        "DEMO_API_KEY": "some-key-value",
      ])
    expectError(result, 2, "SHIPIT_RAILWAY_URL", "https", comment: "plan")
  }

  @Test func aCorruptLedgerIsNamedAndKept() async throws {
    let project = try await GitProject()
    let rubbish = String(repeating: "this is no database ", count: 400)
    try FileManager.default.createDirectory(
      atPath: project.path + "/.shipit", withIntermediateDirectories: true)
    try project.write(rubbish, to: ".shipit/demo.db")
    for command in [["status"], ["history"], ["why"], ["plan"], ["deploy"], ["rollback"], ["hold"]] {
      let result = try await project.shipit(
        arguments(command, "demo"),
        variables: ["RAILWAY_API_TOKEN": "some-token", "DEMO_API_KEY": "some-key-value"])
      #expect(result.code != 0 && result.code != 1, "\(command[0]): \(result.code) \(result.text)")
      #expect(result.text.contains("demo.db"), "\(command[0]): \(result.text)")
    }
    #expect(try project.scratch.read("project/.shipit/demo.db") == rubbish)
  }

  @Test func aCommandLineThatMakesNoSenseIsExplained() async throws {
    let project = try await GitProject()
    let cases: [([String], String)] = [
      (["deplyo", "demo"], "shipit deploy"), (["deploy", "demo", "--comit", "x"], "--commit"),
      (["deploy"], "ENV"),
      (["deploy", "demo", "extra"], "extra"), (["history", "demo", "--limit", "many"], "many"),
      (["rollback", "demo", "--to", "zero"], "zero"), (["completions", "tcsh"], "tcsh"),
      (["explain", "servces"], "services"),
      ([], "usage"), (["deploy", "demo", "--commit"], "--commit"),
    ]
    for (arguments, word) in cases {
      let result = try await project.shipit(arguments)
      #expect(result.code == 2, "\(arguments): \(result.code) \(result.text)")
      #expect(result.text.contains(word), "\(arguments): \(result.text)")
    }
  }

  @Test func anUnknownCommitIsRefused() async throws {
    let project = try await GitProject()
    let result = try await project.shipit(
      "plan", "demo", "--commit", "no-such-thing",
      variables: ["RAILWAY_API_TOKEN": "some-token", "DEMO_API_KEY": "some-key-value"])
    expectError(result, 2, "no-such-thing", comment: "plan")
  }

  @Test func aClosedStandardOutputIsNoLoss() async throws {
    let project = try await GitProject()
    let shell = try await Launcher().run(
      ProcessSpecification(
        "sh", ["-c", "'\(Checkout.binary)' status demo --offline >&-; echo code $? >&2"],
        environment: project.variables,
        directory: project.path), timeout: .seconds(20))
    #expect(shell.errorText.contains("code 1"), "\(shell.errorText)")
    #expect(shell.errorText.contains("standard output"), "\(shell.errorText)")
    let head = try await Launcher().run(
      ProcessSpecification(
        "sh", ["-c", "{ '\(Checkout.binary)' schema; echo code $? >&2; } | head -1"],
        environment: project.variables,
        directory: project.path), timeout: .seconds(20))
    #expect(head.errorText.contains("code 0"), "\(head.errorText)")
  }

  @Test func aFullDiskStopsTheRunAndLosesNothing() async throws {
    let project = try await GitProject()
    let twin = try await TwinProcess.start(for: project)
    do {
      let first = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      try #require(first.code == 0, "\(first.text)")
      try await project.commit("second")
      // No file may grow: the journal cannot be written any more.
      let size =
        try FileManager.default.attributesOfItem(atPath: project.path + "/.shipit/demo.db")[.size] as? Int
      let blocks = max(1, (size ?? 4096) / 512)
      let sanitizer = Checkout.isThreadSanitized ? "TMPDIR=/nonexistent" : ""
      let limited = try await Launcher().run(
        ProcessSpecification(
          "sh", ["-c", "ulimit -f \(blocks / 8); \(sanitizer) exec '\(Checkout.binary)' deploy demo --yes"],
          environment: project.variables.merging(twin.variables) { $1 }, directory: project.path),
        timeout: .seconds(60))
      #expect(!limited.exit.isSuccess)
      #expect(limited.exit != .code(1), "\(limited.errorText)")
      #expect(limited.errorText.contains("error") || limited.errorText.contains("✗"), "\(limited.errorText)")
      // With room again, everything goes on.
      let again = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      #expect(again.code == 0, "\(again.text)")
      let history = try await project.shipit("history", "demo", "--json", variables: twin.variables)
      #expect(history.code == 0, "\(history.text)")
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }
}
