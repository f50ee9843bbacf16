import Foundation
import JSON
import TestSupport
import Testing

/// What somebody changes at a dashboard, from `drift` over `plan` to a deploy or the file.
@Suite(.timeLimit(.minutes(10))) struct DriftTests {
  @Test func eachChangeByHandIsNamedWithBothValuesAndADeployPutsItBack() async throws {
    try await DriftStage.with { stage in
      let before = try await stage.drift()
      #expect(before.code == 0 && before.text.contains("no drift"), "\(before.text)")

      try await stage.handmade()
      let found = try await stage.drift()
      #expect(found.code == 3, "\(found.text)")
      for words in [
        "~ replicas  1 → 3", "~ GREETING  hello → hi there", "~ API_KEY  ", "+ EXTRA  ", "− ROLE  api → –",
        "~ deploys of pushes  off → on", "put back by the next deploy", "shipit drift demo --adopt",
      ] {
        #expect(found.text.contains(words), "\(words): \(found.text)")
      }
      // Neither the old value of the secret, nor the new one, nor that of a variable nobody knows.
      let document = try await stage.drift("--json")
      for text in [found.text, document.text] {
        for secret in [DriftStage.secret, TwinProcess.plantedKey, "extra-value"] {
          #expect(!text.contains(secret), "\(text)")
        }
      }
      let json = try JSON(parsing: Array(document.output.utf8))
      #expect(document.code == 3 && json["kind"]?.string == "drift")
      let changes = json["services"]?.array?.first?["changes"]?.array ?? []
      let key = changes.first { $0["name"]?.string == "API_KEY" }
      #expect(
        key?["isFingerprint"]?.bool == true && key?["recorded"]?.string?.count == 32, "\(json.serialized())")
      #expect(
        key?["changedAt"]?.string != nil && key?["recorded"] != key?["observed"], "\(json.serialized())")

      let plan = try await stage.shipit("plan", "demo")
      #expect(plan.code == 0, "\(plan.text)")
      for words in [
        "replicas  1 → 3 by hand → 1", "~ GREETING  hello → hi there by hand → hello",
        "~ API_KEY  secret  changed by hand", "+ ROLE  api → removed by hand → api",
        "is also deployed by railway on each push", "changed by hand, and put back by this: ",
        "left alone, for the file does not name it: api EXTRA",
      ] {
        #expect(plan.text.contains(words), "\(words): \(plan.text)")
      }
      #expect(!plan.text.contains(DriftStage.secret))

      let deployed = try await stage.shipit("deploy", "demo", "--yes")
      #expect(deployed.code == 0, "\(deployed.text)")
      let after = try await stage.drift()
      #expect(after.code == 0 && after.text.contains("no drift"), "\(after.text)")
    }
  }

  @Test func whatIsAdoptedStandsInTheFileWithItsCommentsAndThePlanHasNothingLeft() async throws {
    try await DriftStage.with { stage in
      try stage.project.change(
        "environments/demo.yaml", "      GREETING: hello\n", "      GREETING: hello  # what people see\n")
      try await stage.project.commit("a comment")
      #expect(try await stage.shipit("deploy", "demo", "--yes").code == 0)
      try await stage.set("GREETING", "hi: there")
      try await stage.update(["numReplicas": 2, "sleepApplication": true])

      let refused = try await stage.drift("--adopt")
      #expect(refused.code == 2 && refused.text.contains("nobody is here to ask"), "\(refused.text)")
      let file = try stage.project.scratch.read("project/environments/demo.yaml")
      let adopted = try await stage.drift("--adopt", "--yes")
      #expect(adopted.code == 0, "\(adopted.text)")
      let wanted = file.replacingOccurrences(
        of: "GREETING: hello  # what people see", with: "GREETING: \"hi: there\"  # what people see"
      ).replacingOccurrences(
        of:
          "settings: {start: python3 server.py, replicas: 1, overlap: 1s, drain: 2s}\n    health: {path: /health, identity: {json: revision}, within: 4s, steady: 3, grace: 1s, soak: 1s}\n  web:",
        with:
          "settings: {start: python3 server.py, replicas: 2, overlap: 1s, drain: 2s, sleep: true}\n    health: {path: /health, identity: {json: revision}, within: 4s, steady: 3, grace: 1s, soak: 1s}\n  web:"
      )
      #expect(try stage.project.scratch.read("project/environments/demo.yaml") == wanted)
      #expect(try await stage.shipit("validate", "demo").code == 0)
      let after = try await stage.drift()
      #expect(after.code == 0 && !after.text.contains("not drift"), "\(after.text)")
      try await stage.project.commit("adopted")
      let plan = try await stage.shipit("plan", "demo", "--commit", "HEAD~1")
      #expect(plan.text.contains("nothing to do"), "\(plan.text)")
    }
  }

  @Test func whatMayBeASecretIsNeverWrittenIntoTheFile() async throws {
    try await DriftStage.with { stage in
      try await stage.handmade()
      let file = try stage.project.scratch.read("project/environments/demo.yaml")
      try await stage.set("GREETING", "https://ann:\(DriftStage.secret)@example.com")
      let adopted = try await stage.drift("--adopt", "--yes")
      #expect(adopted.code == 3, "\(adopted.text)")
      for words in [
        "api API_KEY  it is a secret", "api EXTRA  it may be a secret", "api GREETING  it may be a secret",
        "api deploys of pushes  the file cannot say it", "settings.replicas: 3", "variables.ROLE is out",
      ] {
        #expect(adopted.text.contains(words), "\(words): \(adopted.text)")
      }
      let written = try stage.project.scratch.read("project/environments/demo.yaml")
      #expect(written != file && written.contains("GREETING: hello\n"))
      for text in [adopted.text, written] {
        #expect(!text.contains(DriftStage.secret) && !text.contains("extra-value"), "\(text)")
      }
    }
  }

  @Test func whatAColleagueHasStagedIsShownAndSurvivesOurDeployUntouched() async throws {
    try await DriftStage.with { stage in
      let patch: JSON = [
        "services": .object([
          stage.service: [
            "deploy": ["startCommand": "python3 colleague.py"],
            "variables": ["HIDDEN": ["value": .string(DriftStage.secret)]],
          ]
        ])
      ]
      try await stage.twin.railway(
        "mutation ($e: String!, $i: EnvironmentConfig!) { environmentStageChanges(environmentId: $e, input: $i, merge: true) { id } }",
        ["e": .string(stage.environment), "i": patch])
      try await stage.update(["numReplicas": 2])
      for command in [["drift", "demo"], ["plan", "demo"], ["status", "demo"]] {
        let shown = try await stage.project.shipit(command, variables: stage.twin.variables)
        #expect(
          shown.text.contains("1 staged change waits") && shown.text.contains("api: startCommand, HIDDEN"),
          "\(command): \(shown.text)")
        #expect(!shown.text.contains(DriftStage.secret) && !shown.text.contains("colleague.py"), "\(command)")
      }
      try stage.project.write(
        stage.project.scratch.read("project/app/server.py") + "# second\n", to: "app/server.py")
      try await stage.project.commit("second")
      let deployed = try await stage.shipit("deploy", "demo", "--yes")
      #expect(deployed.code == 0, "\(deployed.text)")
      let staged = try await stage.twin.railway(
        "query ($e: String!) { environmentStagedChanges(environmentId: $e) { status patch } }",
        ["e": .string(stage.environment)])["environmentStagedChanges"]
      #expect(
        staged?["status"]?.string == "STAGED" && staged?["patch"] == patch, "\(staged?.serialized() ?? "")")
      let stands = try await stage.twin.railway(
        "query ($e: String!, $s: String!) { serviceInstance(environmentId: $e, serviceId: $s) { startCommand numReplicas } }",
        ["e": .string(stage.environment), "s": .string(stage.service)])["serviceInstance"]
      #expect(stands?["startCommand"]?.string == "python3 server.py", "\(stands?.serialized() ?? "")")
      #expect(stands?["numReplicas"]?.int == 1)
    }
  }

  @Test func whatTheFileSaysOtherwiseIsNoDriftNorIsTheSameCodeStartedAgain() async throws {
    try await DriftStage.with { stage in
      try stage.project.change("environments/demo.yaml", "GREETING: hello", "GREETING: good day")
      let pending = try await stage.drift()
      #expect(pending.code == 0, "\(pending.text)")
      #expect(pending.text.contains("not drift") && pending.text.contains("api: GREETING"), "\(pending.text)")

      // Without `skipDeploys` Railway deploys the same code again by itself: the variable is drift, the code is not.
      try await stage.set("GREETING", "again", skipsDeploys: false)
      let found = try await stage.drift()
      #expect(found.code == 3 && found.text.contains("~ GREETING  hello → again"), "\(found.text)")
      #expect(!found.text.contains("deployment"), "\(found.text)")
    }
  }

  @Test func nothingIsComparedBeforeTheFirstRelease() async throws {
    let project = try await GitProject()
    let twin = try await TwinProcess.start(for: project)
    let first = try await project.shipit("drift", "demo", variables: twin.variables)
    await twin.stop()
    #expect(first.code == 0 && first.text.contains("nothing was released yet"), "\(first.text)")
  }
}

/// A deployed product whose services somebody can change at the emulated dashboard.
private struct DriftStage {
  let project: GitProject
  let twin: TwinProcess
  let environment: String
  /// The id of `api`.
  let service: String
  let place: String

  /// What somebody typed into the dashboard.
  static let secret = "handmade-Secret-4711"

  static func with(_ play: (DriftStage) async throws -> Void) async throws {
    let project = try await GitProject()
    let twin = try await TwinProcess.start(for: project)
    do {
      let first = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      try #require(first.code == 0, "\(first.text)")
      let token = try await twin.railway(
        "{ projectToken { projectId environmentId project { services { edges { node { id name } } } } } }")[
          "projectToken"]
      let edges = token?["project"]?["services"]?["edges"]?.array ?? []
      let api = edges.first { $0["node"]?["name"]?.string == "api" }?["node"]?["id"]?.string
      try await play(
        DriftStage(
          project: project, twin: twin, environment: token?["environmentId"]?.string ?? "",
          service: api ?? "",
          place: token?["projectId"]?.string ?? ""))
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  func shipit(_ arguments: String...) async throws -> ShipitResult {
    try await project.shipit(arguments, variables: twin.variables)
  }

  func drift(_ more: String...) async throws -> ShipitResult {
    try await project.shipit(["drift", "demo"] + more, variables: twin.variables)
  }

  func set(_ name: String, _ value: String, skipsDeploys: Bool = true) async throws {
    try await twin.railway(
      "mutation ($i: VariableCollectionUpsertInput!) { variableCollectionUpsert(input: $i) }",
      [
        "i": [
          "projectId": .string(place), "environmentId": .string(environment), "serviceId": .string(service),
          "skipDeploys": .bool(skipsDeploys), "variables": .object([name: .string(value)]),
        ]
      ])
  }

  func update(_ input: [String: JSON]) async throws {
    var input = input
    if input["numReplicas"] == nil { input["numReplicas"] = 1 }
    try await twin.railway(
      "mutation ($e: String!, $s: String!, $i: ServiceInstanceUpdateInput!) { serviceInstanceUpdate(environmentId: $e, serviceId: $s, input: $i) }",
      ["e": .string(environment), "s": .string(service), "i": .object(input)])
  }

  /// A setting, a text, a secret, an unknown variable, one that is gone, and deploys of pushes.
  func handmade() async throws {
    try await update(["numReplicas": 3, "source": ["repo": "acme/shop"]])
    try await set("GREETING", "hi there")
    try await set("API_KEY", DriftStage.secret)
    try await set("EXTRA", "extra-value")
    let target: [String: JSON] = [
      "projectId": .string(place), "environmentId": .string(environment), "serviceId": .string(service),
    ]
    try await twin.railway(
      "mutation ($i: VariableDeleteInput!) { variableDelete(input: $i) }",
      ["i": .object(target.merging(["name": "ROLE"]) { $1 })])
    try await twin.railway(
      "mutation ($i: ServiceInstanceAutoDeployUpdateInput!) { serviceInstanceAutoDeployUpdate(input: $i) { enabled } }",
      ["i": .object(target.merging(["enabled": true]) { $1 })])
  }
}
