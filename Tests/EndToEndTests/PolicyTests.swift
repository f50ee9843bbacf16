import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// The rules of `protect`, through the built program.
@Suite(.timeLimit(.minutes(4)))
struct PolicyTests {
  /// Always within this freeze: it spans the present by years.
  private static let frozen =
    "freeze: [{from: 2020-01-01, to: 2099-12-31, timezone: Europe/Oslo, reason: the long winter}]"

  private static func protect(_ project: GitProject, _ rules: String) throws {
    try project.change("environments/demo.yaml", "protect:\n", "protect:\n  \(rules)\n")
  }

  @Test func aFreezeRefusesShowsAndIsOverridden() async throws {
    var project = try await GitProject()
    try Self.protect(project, Self.frozen)
    try await project.commit("frozen")
    project.variables["TZ"] = "Asia/Tokyo"
    let twin = try await TwinProcess.start(for: project)
    var result = try await project.shipit("plan", "demo", variables: twin.variables)
    #expect(result.code == 0, "\(result.text)")
    #expect(result.output.contains("freeze"), "\(result.text)")
    #expect(result.output.contains("in force until Fri 2100-01-01 00:00 Europe/Oslo"), "\(result.text)")
    result = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
    #expect(result.code == 12, "\(result.text)")
    #expect(result.text.contains("08:00 JST here): the long winter"), "\(result.text)")
    result = try await project.shipit(
      "deploy", "demo", "--yes", "--override-freeze", " ", variables: twin.variables)
    #expect(result.code == 2, "\(result.text)")
    result = try await project.shipit(
      "deploy", "demo", "--yes", "--override-freeze", "the roof leaks", variables: twin.variables)
    #expect(result.code == 0, "\(result.text)")
    for command in ["history", "why"] {
      result = try await project.shipit(command, "demo")
      let words = result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(words.contains("freeze overridden by ann@"), "\(result.text)")
      #expect(words.contains("the roof leaks"), "\(result.text)")
    }
    // Holds are told too, and the release that follows their lifting says so.
    _ = try await project.shipit("hold", "demo", "--reason", "looking")
    _ = try await project.shipit("unhold", "demo")
    result = try await project.shipit("history", "demo", "--json")
    let document = try JSON(parsing: result.output.utf8)
    #expect(
      document["decisions"]?[0]?["kind"] == "hold-lifted" && document["decisions"]?[0]?["reason"] == "looking"
    )
    #expect(document["entries"]?[0]?["decisions"]?[0]?["kind"] == "freeze-overridden")
    result = try await project.shipit("history", "demo")
    #expect(result.output.contains("hold lifted by ann@"), "\(result.text)")
    await twin.stop()
  }

  @Test func anApprovalOfASavedPlanIsGivenByNameAndUsed() async throws {
    let project = try await GitProject()
    try Self.protect(project, "approval: {by: [bo, cy], own: false}")
    try await project.commit("approval")
    let twin = try await TwinProcess.start(for: project)
    var result = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
    #expect(result.code == 9, "\(result.text)")
    let command = try #require(result.text.firstMatch(of: #/shipit approve demo --digest ([0-9a-f]{12})/#))
    // Whoever reads the log sees what it is about.
    #expect(result.text.contains("nothing is live yet") || result.text.contains("commit"), "\(result.text)")
    result = try await project.shipit("status", "demo", "--offline")
    #expect(result.output.contains("shipit approve demo --digest \(command.1)"), "\(result.text)")
    // Ann may not; who may is told.
    result = try await project.shipit("approve", "demo")
    #expect(result.code == 4, "\(result.text)")
    #expect(result.text.contains("bo, cy"), "\(result.text)")
    var bo = project
    bo.variables["USER"] = "bo"
    result = try await bo.shipit("approve", "demo", "--digest", "ffffffffffff")
    #expect(result.code == 2, "\(result.text)")
    // No secret and no token is needed to approve.
    result = try await bo.shipit("approve", "demo", "--digest", String(command.1), "--reason", "read it")
    #expect(result.code == 0, "\(result.text)")
    result = try await bo.shipit("approve", "demo", "--digest", String(command.1))
    #expect(result.code == 0 && result.output.contains("already"), "\(result.text)")
    result = try await project.shipit("status", "demo", "--offline")
    #expect(result.output.contains("1 of 1 given, by bo"), "\(result.text)")
    result = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
    #expect(result.code == 0, "\(result.text)")
    result = try await project.shipit("status", "demo", "--offline")
    #expect(!result.output.contains("given, by"), "\(result.text)")
    result = try await project.shipit("history", "demo")
    #expect(result.output.contains("approved by bo (bo@"), "\(result.text)")
    #expect(result.output.contains("read it"), "\(result.text)")

    // In GitHub Actions it is whoever started the run, also the second time.
    try project.change("environments/demo.yaml", "GREETING: hello", "GREETING: hi")
    try await project.commit("second")
    let file = project.path + "/demo.plan"
    result = try await project.shipit("plan", "demo", "--out", "demo.plan", variables: twin.variables)
    #expect(result.code == 0, "\(result.text)")
    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
    #expect(mode?.intValue == 0o600)
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(!text.contains(TwinProcess.plantedKey) && !text.contains("demo-token"))
    let runner = [
      "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "ann", "GITHUB_TRIGGERING_ACTOR": "Cy", "GITHUB_RUN_ID": "7",
    ]
    result = try await bo.shipit("approve", "demo", "--plan", "demo.plan", variables: runner)
    #expect(result.code == 0, "\(result.text)")
    result = try await project.shipit(
      "deploy", "demo", "--plan", "demo.plan", "--commit", "HEAD", variables: twin.variables)
    #expect(result.code == 2, "\(result.text)")
    result = try await project.shipit("deploy", "demo", "--plan", "demo.plan", variables: twin.variables)
    #expect(result.code == 0, "\(result.text)")
    // What it would do is done: it is no plan any more.
    result = try await project.shipit("deploy", "demo", "--plan", "demo.plan", variables: twin.variables)
    #expect(result.code == 6, "\(result.text)")
    #expect(result.text.contains("what moved: "), "\(result.text)")
    await twin.stop()
  }

  @Test func aSavedPlanIsRefusedWhenItIsNoneOrTheWorldMoved() async throws {
    let project = try await GitProject()
    let twin = try await TwinProcess.start(for: project)
    var result = try await project.shipit("plan", "demo", "--out", "app/server.py", variables: twin.variables)
    #expect(result.code == 2, "\(result.text)")
    #expect(result.text.contains("is not a saved plan"), "\(result.text)")
    result = try await project.shipit("plan", "demo", "--out", "demo.plan", variables: twin.variables)
    #expect(result.code == 0, "\(result.text)")
    result = try await project.shipit(
      "plan", "demo", "--dirty", "--out", "dirty.plan", variables: twin.variables)
    #expect(result.code == 2, "\(result.text)")
    for (name, content) in [("none", "x"), ("empty", ""), ("cut", nil)] {
      let whole = try String(contentsOfFile: project.path + "/demo.plan", encoding: .utf8)
      try project.write(content ?? String(whole.dropLast(20)), to: "\(name).plan")
      result = try await project.shipit("deploy", "demo", "--plan", "\(name).plan", variables: twin.variables)
      #expect(result.code == 2, "\(name): \(result.text)")
    }
    result = try await project.shipit("deploy", "demo", "--plan", "missing.plan", variables: twin.variables)
    #expect(result.code == 2, "\(result.text)")
    // Another secret is another configuration.
    result = try await project.shipit(
      "deploy", "demo", "--plan", "demo.plan",
      variables: twin.variables.merging(["DEMO_API_KEY": "another-Key-value-9"]) { $1 })
    #expect(result.code == 6, "\(result.text)")
    #expect(result.text.contains("secret DEMO_API_KEY"), "\(result.text)")
    #expect(!result.text.contains("another-Key"), "\(result.text)")
    await twin.stop()
  }

  /// Staging and production are two environments of the twin's project, each with its ledger.
  @Test func aCommitGoesToStagingFirst() async throws {
    let project = try await GitProject()
    let file = project.path + "/environments/demo.yaml"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try project.write(
      text.replacingOccurrences(of: "environment: demo", with: "environment: tryout"),
      to: "environments/tryout.yaml")
    try Self.protect(project, "after: tryout")
    try await project.commit("first a tryout")
    let twin = try await TwinProcess.start(for: project)
    var result = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
    #expect(result.code == 12, "\(result.text)")
    #expect(result.text.contains("the ledger of tryout is local, and there is none"), "\(result.text)")
    #expect(!FileManager.default.fileExists(atPath: project.path + "/.shipit/tryout.db"))
    result = try await project.shipit("deploy", "tryout", "--yes", variables: twin.variables)
    #expect(result.code == 0, "\(result.text)")
    try await project.git("commit", "-q", "--allow-empty", "-m", "newer")
    result = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
    #expect(result.code == 12, "\(result.text)")
    #expect(result.text.contains("is live there"), "\(result.text)")
    #expect(result.text.contains("shipit deploy tryout --commit"), "\(result.text)")
    await twin.stop()
  }
}
