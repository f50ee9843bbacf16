import Foundation
import JSON
import TestSupport
import Testing

/// Changes by hand on both platforms of a product that was brought up from empty accounts.
@Suite(.timeLimit(.minutes(10))) struct DriftPlatformTests {
  @Test func projectSettingsVariablesDomainsAndSchedulesOfBackupsAreNamedAndPutBack() async throws {
    try await ProvisionStage.with { stage in
      try stage.project.change(
        "environments/demo.yaml", "    volume: /data\n",
        "    volume: {mount: /data, backups: [weekly, daily]}\n")
      try await stage.project.commit("schedules")
      try await stage.twin.control("POST", "dns", ["domain": "shop.localhost"])
      let deployed = try await stage.deploy()
      try #require(deployed.code == 0, "\(deployed.text)")
      let dashboard = try await Dashboard(stage)
      #expect(try await dashboard.schedules() == ["DAILY", "WEEKLY"])
      let before = try await stage.drift()
      #expect(before.code == 0, "\(before.text)")

      // The schedules alone: they are set, and nothing is deployed.
      try await dashboard.set(schedules: ["MONTHLY"])
      let schedule = try await stage.drift()
      #expect(
        schedule.code == 3 && schedule.text.contains("~ backups  daily, weekly → monthly"), "\(schedule.text)"
      )
      let plan = try await stage.project.shipit("plan", "demo", variables: stage.twin.variables)
      #expect(plan.text.contains("backups  daily, weekly → monthly by hand → daily, weekly"), "\(plan.text)")
      #expect(plan.text.contains("nothing is deployed") && !plan.text.contains("deploy api"), "\(plan.text)")
      let set = try await stage.deploy()
      #expect(set.code == 0, "\(set.text)")
      #expect(try await dashboard.schedules() == ["DAILY", "WEEKLY"])
      #expect(try await stage.drift().code == 0)

      // The front end's project.
      try await stage.twin.vercel("PATCH", "/v9/projects/web?slug=acme", ["buildCommand": "python3 other.py"])
      let listed = try await stage.twin.vercel("GET", "/v10/projects/web/env?slug=acme")
      let variable = listed["envs"]?.array?.first { $0["key"]?.string == "NEXT_PUBLIC_API_URL" }?["id"]?
        .string
      try await stage.twin.vercel(
        "PATCH", "/v9/projects/web/env/\(variable ?? "")?slug=acme", ["value": "http://127.0.0.1:9"])
      try await stage.twin.vercel(
        "POST", "/v10/projects/web/domains?slug=acme", ["name": "other.shop.localhost"])
      let found = try await stage.drift()
      #expect(found.code == 3, "\(found.text)")
      for words in [
        "~ build  python3 build.py → python3 other.py", "~ NEXT_PUBLIC_API_URL  ", " → http://127.0.0.1:9",
        "+ other.shop.localhost  added", "not in the file", "~ web  vercel",
      ] {
        #expect(found.text.contains(words), "\(words): \(found.text)")
      }
      let again = try await stage.deploy()
      #expect(again.code == 0, "\(again.text)")
      let after = try await stage.drift()
      #expect(after.code == 0, "\(after.text)")
    }
  }

  @Test func aJobKeepsOneIssueAndClosesItWhenTheDriftIsGone() async throws {
    try await ActionsWorld.with { world in
      let deployed = try await world.step("deploy", "demo", "--yes")
      try #require(deployed.result.code == 0, "\(deployed.result.text)")
      func issues() async throws -> [JSON] {
        try await world.twin.control("GET", "github/state")["issues"]?.array ?? []
      }
      #expect(try await world.step("drift", "demo", "--issue").result.code == 0)
      #expect(try await issues().isEmpty)

      let token = try await world.twin.railway(
        "{ projectToken { projectId environmentId project { services { edges { node { id name } } } } } }")[
          "projectToken"]
      let edges = token?["project"]?["services"]?["edges"]?.array ?? []
      let api = edges.first { $0["node"]?["name"]?.string == "api" }?["node"]?["id"] ?? .null
      func change(_ name: String, _ value: String) async throws {
        try await world.twin.railway(
          "mutation ($i: VariableCollectionUpsertInput!) { variableCollectionUpsert(input: $i) }",
          [
            "i": [
              "projectId": token?["projectId"] ?? .null, "environmentId": token?["environmentId"] ?? .null,
              "serviceId": api, "skipDeploys": true, "variables": .object([name: .string(value)]),
            ]
          ])
      }
      try await change("GREETING", "hi | there")
      for _ in 0..<2 {
        let told = try await world.step("drift", "demo", "--issue")
        #expect(told.result.code == 0, "\(told.result.text)")
      }
      #expect(try await issues().map { $0["title"]?.string } == ["Drift: 1 change by hand in demo of demo"])
      try await change("API_KEY", "handmade-Secret-4711")
      #expect(try await world.step("drift", "demo", "--issue").result.code == 0)
      let open = try await issues()
      #expect(open.count == 1 && open.first?["state"]?.string == "open")
      let body = open.first?["body"]?.string ?? ""
      #expect(
        body.hasPrefix("<!-- shipit:drift:demo/demo -->\n") && body.contains("| hi \\| there |"), "\(body)")
      #expect(!body.contains("handmade-Secret-4711") && !body.contains(TwinProcess.plantedKey), "\(body)")

      #expect(try await world.step("deploy", "demo", "--yes").result.code == 0)
      #expect(try await world.step("drift", "demo", "--issue").result.code == 0)
      let closed = try await issues()
      #expect(closed.count == 1 && closed.first?["state"]?.string == "closed")
      #expect(closed.first?["comments"]?.array?.first?.string?.contains("actions/runs/4711") == true)
      // Without `--issue` the job shows it and ends with 3.
      try await change("GREETING", "again")
      let shown = try await world.step("drift", "demo")
      #expect(shown.result.code == 3 && shown.summary.contains("GREETING"), "\(shown.result.text)")
    }
  }

  @Test func outsideOfAJobThereIsNoIssueToKeep() async throws {
    let project = try await GitProject()
    let twin = try await TwinProcess.start(for: project)
    let refused = try await project.shipit("drift", "demo", "--issue", variables: twin.variables)
    await twin.stop()
    #expect(refused.code == 2 && refused.text.contains("works in a job of GitHub Actions"), "\(refused.text)")
  }
}

extension ProvisionStage {
  fileprivate func drift() async throws -> ShipitResult {
    try await project.shipit("drift", "demo", variables: twin.variables)
  }
}

/// The volume of `api`, as somebody at Railway's dashboard sees it.
private struct Dashboard {
  private let twin: TwinProcess
  private let volume: JSON

  init(_ stage: ProvisionStage) async throws {
    twin = stage.twin
    let projects = try await Self.ask(
      twin,
      "{ projects { edges { node { id environments { edges { node { id } } } services { edges { node { id name } } } } } } }"
    )
    let project = projects["projects"]?["edges"]?.array?.first?["node"]
    let api = project?["services"]?["edges"]?.array?.first { $0["node"]?["name"]?.string == "api" }?["node"]?[
      "id"]
    let environment = project?["environments"]?["edges"]?.array?.first?["node"]?["id"] ?? .null
    let volumes = try await Self.ask(
      twin,
      "query ($id: String!) { environment(id: $id) { volumeInstances { edges { node { id serviceId } } } } }",
      ["id": environment])
    volume =
      volumes["environment"]?["volumeInstances"]?["edges"]?.array?
      .first { $0["node"]?["serviceId"] == api }?["node"]?["id"] ?? .null
  }

  private static func ask(_ twin: TwinProcess, _ document: String, _ variables: JSON = [:]) async throws
    -> JSON
  {
    try await twin.railway(document, variables, token: "Bearer demo-token", header: "Authorization")
  }

  func schedules() async throws -> [String] {
    let answer = try await Self.ask(
      twin, "query ($v: String!) { volumeInstanceBackupScheduleList(volumeInstanceId: $v) { kind } }",
      ["v": volume])
    return (answer["volumeInstanceBackupScheduleList"]?.array ?? []).compactMap { $0["kind"]?.string }
  }

  func set(schedules: [String]) async throws {
    _ = try await Self.ask(
      twin,
      "mutation ($v: String!, $k: [VolumeInstanceBackupScheduleKind!]!) { volumeInstanceBackupScheduleUpdate(volumeInstanceId: $v, kinds: $k) }",
      ["v": volume, "k": .array(schedules.map { .string($0) })])
  }
}
