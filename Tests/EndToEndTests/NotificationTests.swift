import Concurrency
import Foundation
import HTTP
import JSON
import Processes
import TestSupport
import Testing

/// The built program tells the twin's receivers how its runs end.
@Suite(.timeLimit(.minutes(5))) struct NotificationTests {
  private static let key = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

  /// A project whose runs are told to every receiver of the twin.
  private func withWorld(
    _ notify: String, _ body: (GitProject, TwinProcess, [String: String]) async throws -> Void
  ) async throws {
    let environment = try String(
      contentsOfFile: Checkout.root + "/Tests/Support/two-services.yaml", encoding: .utf8)
    let project = try await GitProject(environment: environment + "\nnotify:\n" + notify)
    let seed = project.scratch.path + "/seed.json"
    let text = try String(
      contentsOfFile: Checkout.root + "/Tests/Support/two-services-seed.json", encoding: .utf8)
    var sections = try JSON(parsing: Array(text.utf8)).object ?? [:]
    sections["notifications"] = [
      "slack": [
        "tokens": ["xoxb-twin-Secret": ["deploys": "C0123"]], "hooks": ["/services/T0/B0/hook-Secret"],
      ],
      "discord": ["123": "discord-Secret"], "webhooks": ["ops": [.string(Self.key)]],
    ]
    try JSON.object(sections).serialized().write(toFile: seed, atomically: true, encoding: .utf8)
    let twin = try await TwinProcess.start(for: project, seed: seed)
    var variables = twin.variables
    let base = variables["SHIPIT_SLACK_URL"] ?? ""
    variables["SLACK_TOKEN"] = "xoxb-twin-Secret"
    variables["SLACK_WEBHOOK"] = base + "/services/T0/B0/hook-Secret"
    variables["DISCORD_WEBHOOK"] = base + "/api/v10/webhooks/123/discord-Secret"
    variables["HOOK_URL"] = base + "/hooks/ops"
    variables["HOOK_KEY"] = Self.key
    do {
      try await body(project, twin, variables)
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  private static let everybody = """
      - slack-app: {token: {secret: SLACK_TOKEN}, channel: deploys}
      - discord: {secret: DISCORD_WEBHOOK}
      - slack: {secret: SLACK_WEBHOOK}
      - webhook: {url: {secret: HOOK_URL}, keys: [{secret: HOOK_KEY}]}

    """

  private func messages(_ twin: TwinProcess) async throws -> [(service: String, text: String, edits: Int64)] {
    let state = try await twin.control("GET", "notifications/state")
    return (state["messages"]?.array ?? []).reversed().map {
      ($0["service"]?.string ?? "", $0["text"]?.string ?? "", $0["edits"]?.int ?? 0)
    }
  }

  @Test func everyRunIsToldToEverybodyAndHoldsNoSecret() async throws {
    try await withWorld(Self.everybody) { project, twin, variables in
      let good = try await project.shipit("deploy", "demo", "--yes", variables: variables)
      #expect(good.code == 0, "\(good.text)")
      #expect(!good.text.contains("not told"), "\(good.text)")
      var told = try await messages(twin)
      #expect(Set(told.map(\.service)) == ["slack", "discord", "hook", "webhook"])
      #expect(told.count == 4)
      #expect(told.allSatisfy { $0.text.contains("release 1 is live") }, "\(told)")
      #expect(told.filter { $0.edits == 1 }.count == 2)

      // The application betrays its key where it fails.
      try project.change("app/server.py", "HEALTHY = True", "HEALTHY = ROLE != \"web\"")
      try project.change(
        "environments/demo.yaml", "run: [python3, -m, py_compile, app/server.py]",
        "run: [sh, -c, \"echo $DEMO_API_KEY; exit 0\"]")
      try await project.commit("fail with \(TwinProcess.plantedKey)")
      let bad = try await project.shipit("deploy", "demo", "--yes", variables: variables)
      #expect(bad.code == 7, "\(bad.text)")
      told = Array(try await messages(twin).dropFirst(4))
      #expect(told.count == 4)
      for message in told {
        #expect(message.text.contains("put back"), "\(message)")
        #expect(message.text.contains("shipit "), "\(message)")
        #expect(message.text.contains("[secret DEMO_API_KEY]") || message.service == "webhook", "\(message)")
      }
      let held = try await project.shipit(
        "hold", "demo", "--reason", "we count the stock", variables: variables)
      #expect(held.code == 0, "\(held.text)")
      let last = try await messages(twin).suffix(4)
      #expect(last.allSatisfy { $0.text.contains("deploys are on hold") }, "\(last)")

      let bodies = try await twin.control("GET", "notifications/bodies").serialized()
      for secret in [
        TwinProcess.plantedKey, "demo-token", "xoxb-twin", "hook-Secret", "discord-Secret", "whsec_",
      ] {
        #expect(!bodies.contains(secret))
        #expect(!(good.text + bad.text + held.text).contains(secret))
      }
    }
  }

  @Test func whoIsWantedToApproveIsToldWhatToType() async throws {
    try await withWorld(Self.everybody) { project, twin, variables in
      try project.change(
        "environments/demo.yaml", "protect:\n", "protect:\n  approval: {by: [bo], own: false}\n")
      try await project.commit("approval")
      let waiting = try await project.shipit("deploy", "demo", "--yes", variables: variables)
      #expect(waiting.code == 9, "\(waiting.text)")
      let told = try await messages(twin)
      #expect(told.count == 4, "\(told)")
      for message in told {
        #expect(message.text.contains("needs an approval before it goes to demo"), "\(message)")
        #expect(message.text.contains("shipit approve demo --digest "), "\(message)")
      }
    }
  }

  /// One refuses, one hangs, one is gone: the run ends as it would, and says so in one line.
  @Test func deadReceiversAreOneLineAndNoFailure() async throws {
    let hanging = try SocketServer { connection, _ in connection.waitForEnd() }
    try await withWorld(Self.everybody) { project, twin, variables in
      var variables = variables
      variables["SLACK_WEBHOOK"] = "http://127.0.0.1:\(try freeLoopbackPort())/services/T0/B0/refuses-Secret"
      variables["DISCORD_WEBHOOK"] = "http://127.0.0.1:\(hanging.port)/api/webhooks/1/hangs-Secret"
      variables["HOOK_KEY"] = nil
      try await twin.control(
        "POST", "notifications/faults", ["fault": "status", "status": 500, "count": "always"])
      let result = try await project.shipit("deploy", "demo", "--yes", variables: variables)
      #expect(result.code == 0, "\(result.text)")
      let lines = result.errorOutput.split(separator: "\n").filter { $0.contains("not told") }
      #expect(lines.count == 1, "\(result.text)")
      for name in [
        "slack-app (deploys)", "discord (DISCORD_WEBHOOK)", "slack (SLACK_WEBHOOK)", "HOOK_KEY is not set",
      ] {
        #expect(lines.first?.contains(name) == true, "\(lines)")
      }
      #expect(!result.text.contains("-Secret"))
      let doctor = try await project.shipit("doctor", "demo", variables: variables)
      #expect(doctor.text.contains("HOOK_KEY is not set: nobody would be told"), "\(doctor.text)")
    }
  }

  /// SIGKILL in the middle of a run: the next command makes its message the truth.
  @Test func theMessageOfAKilledRunIsFinishedByTheNextCommand() async throws {
    try await withWorld("  - discord: {secret: DISCORD_WEBHOOK}\n") { project, twin, variables in
      let process = try Launcher().start(
        ProcessSpecification(
          Checkout.binary, ["deploy", "demo", "--yes"],
          environment: project.variables.merging(variables) { $1 }, directory: project.path)
      ) { _ in }
      var waited = 0
      while try await messages(twin).isEmpty, waited < 1000 {
        waited += 1
        try await Task.sleep(for: .milliseconds(10))
      }
      // What is needed to find it again is on disk just after.
      let file = project.path + "/.shipit/demo.notices.json"
      while !FileManager.default.fileExists(atPath: file), waited < 2000 {
        waited += 1
        try await Task.sleep(for: .milliseconds(10))
      }
      _ = await process.stop(StopLadder([]))
      #expect(try await messages(twin).map { $0.text.contains("deploying release 1") } == [true])
      let next = try await project.shipit("deploy", "demo", "--yes", variables: variables)
      #expect(next.code == 0, "\(next.text)")
      let told = try await messages(twin)
      #expect(told.count == 1, "\(told)")
      #expect(told.first?.text.contains("release 1 is live") == true, "\(told)")
      #expect(!FileManager.default.fileExists(atPath: file))
    }
  }
}
