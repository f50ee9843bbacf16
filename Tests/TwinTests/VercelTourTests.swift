import Concurrency
import Foundation
import HTTP
import JSON
import Testing

@testable import Twin

/// Asks every operation that Vercel describes and the twin answers once, as it should be asked.
///
/// With `SHIPIT_RECORD` the exchanges are written there, and `make test` holds the answers against Vercel's own
/// description.
@Suite struct VercelTourTests {
  @Test func everyDescribedOperationAnswers() async throws {
    let path = ProcessInfo.processInfo.environment["SHIPIT_RECORD"]
    let seed = VercelBench.seed(
      "demo",
      [
        "link": ["org": "acme", "repo": "web"], "protection": "standard", "customEnvironments": ["qa"],
        "settings": ["framework": "vite"],
      ])
    var bench = try VercelBench(seed, record: try path.map { try Recording(path: $0) })
    bench.team = nil
    for path in ["/v2/user", "/v2/teams", "/v2/teams/team_a"] { try await bench.ask("GET", path) }
    bench.team = "acme"
    try await bench.askAboutAccounts()
    try await bench.askAboutVariables()
    let first = try await bench.deploy()
    try await bench.askAboutDomains()
    try await bench.askAboutDeployments(first)
    try await bench.askAboutSwitching(to: first)
    try await bench.askAboutRolling()
    try await bench.askAboutChecks()
    try await bench.ask("DELETE", "/v9/projects/prj_other")
    let described = Set(VercelTwin.Operation.all.map(\.name)).subtracting([
      "getProductionDeployment", "listRollbackAliases",
      // What is described takes neither scope nor body, and so cannot be asked.
      "updateProjectsByProjectIdRollbackByDeploymentIdUpdateDescription",
    ])
    for name in described.sorted() { #expect(await bench.twin.count(of: name) > 0, "\(name)") }
  }
}

extension VercelBench {
  fileprivate func askAboutAccounts() async throws {
    for path in ["/v10/projects?limit=2", "/v9/projects/demo/custom-environments"] {
      try await ask("GET", path)
    }
    try await ask("POST", "/v9/projects/demo/custom-environments", ["slug": "stage"])
    try await ask("POST", "/v11/projects", ["name": "fresh", "framework": "vite"])
    try await ask(
      "PATCH", "/v9/projects/fresh", ["buildCommand": "make", "sourceFilesOutsideRootDirectory": true])
    try await ask("POST", "/v1/projects/prj_other/pause")
    try await ask("POST", "/v1/projects/prj_other/unpause")
    try await ask("PATCH", "/v1/projects/demo/protection-bypass", ["generate": ["note": "tour"]])
  }

  fileprivate func askAboutVariables() async throws {
    let one: JSON = [
      "key": "A", "value": "1", "type": "sensitive", "target": ["production"], "gitBranch": nil,
      "comment": "managed by shipit",
    ]
    let two: JSON = ["key": "B", "value": "2", "type": "plain", "target": ["preview"]]
    let made = try await ask("POST", "/v10/projects/demo/env?upsert=true", [one, two])
    try await ask("POST", "/v10/projects/demo/env?upsert=true", two)
    // Already there, without upsert: `failed` is not empty.
    try await ask("POST", "/v10/projects/demo/env", two)
    try await ask("GET", "/v10/projects/demo/env?decrypt=true")
    let ids = (made["created"]?.array ?? []).compactMap { $0["id"]?.string }
    for id in ids { try await ask("GET", "/v1/projects/demo/env/\(id)") }
    try await ask("PATCH", "/v9/projects/demo/env/\(ids[1])", ["target": ["preview", "production"]])
    try await ask("DELETE", "/v9/projects/demo/env/\(ids[1])")
    try await ask("DELETE", "/v1/projects/demo/env", ["ids": [.string(ids[0])]])
  }

  fileprivate func askAboutDomains() async throws {
    try await ask("POST", "/v10/projects/demo/domains", ["name": "b.demo.localhost"])
    for path in [
      "/v9/projects/demo/domains?limit=100", "/v9/projects/demo/domains/b.demo.localhost",
      "/v6/domains/b.demo.localhost/config?projectIdOrName=demo", "/v6/domains/shop.example.com/config",
      "/v4/aliases/b.demo.localhost", "/v4/aliases?limit=2",
    ] {
      try await ask("GET", path)
    }
    try await ask("PATCH", "/v9/projects/demo/domains/b.demo.localhost", ["redirect": "www.demo.localhost"])
    try await ask("POST", "/v9/projects/demo/domains/b.demo.localhost/verify")
    try await ask("DELETE", "/v9/projects/demo/domains/b.demo.localhost")
  }

  fileprivate func askAboutDeployments(_ live: String) async throws {
    let canceled = try await create(text: "canceled", staged: true)
    try await ask("PATCH", "/v12/deployments/\(canceled)/cancel")
    try await twin.add(["deployment": "build-error"])
    let failed = try await create(text: "failed", staged: true)
    clock.advance(60)
    let git: JSON = ["type": "github", "org": "acme", "repo": "web", "ref": "main"]
    await twin.change {
      $0.plant(repositories: ["acme/web": [["commit": "c1", "files": ["index.html": "git"]]]])
    }
    let pushed = try await ask("POST", "/v13/deployments", ["name": "demo", "gitSource": git])
    try await settled(pushed["id"]?.string ?? "")
    try await ask("POST", "/v13/deployments", ["name": "demo", "deploymentId": .string(live)])
    for id in [canceled, failed, live, pushed["id"]?.string ?? ""] { _ = try await deployment(id) }
    try await ask("GET", "/v7/deployments?projectId=prj_demo&limit=3")
    try await ask(
      "GET", "/v7/deployments?projectId=prj_demo&rollbackCandidate=true&target=production&limit=5")
    try await ask("GET", "/v3/deployments/\(live)/events?builds=1&limit=-1&direction=forward")
    await twin.change { $0.switches.nestsEvents = true }
    try await ask("GET", "/v3/deployments/\(live)/events?builds=1")
    _ = try await page()
    _ = try await raw("GET", "/v1/projects/demo/deployments/\(live)/runtime-logs")
    try await ask("POST", "/v2/deployments/\(live)/aliases", ["alias": "extra.localhost"])
    try await ask("GET", "/v2/deployments/\(live)/aliases")
    let alias = try await ask("GET", "/v4/aliases/extra.localhost")
    try await ask("DELETE", "/v2/aliases/\(alias["uid"]?.string ?? "")")
    try await ask("DELETE", "/v13/deployments/\(failed)")
  }

  fileprivate func askAboutSwitching(to first: String) async throws {
    let second = try await deploy(text: "second", staged: true)
    _ = try await project()
    try await change("promote", second)
    try await ask("GET", "/v1/projects/demo/promote/aliases?failedOnly=true&limit=20")
    try await ask("POST", "/v1/projects/demo/rollback/\(first)?description=tour")
    _ = try await project()
    clock.advance(60)
    try await change("promote", second)
    _ = try await project()
  }

  fileprivate func askAboutRolling() async throws {
    try await ask("GET", "/v1/projects/demo/rolling-release/billing")
    try await ask("PATCH", "/v1/projects/demo/rolling-release/config", VercelSwitchTests.stages)
    try await ask("GET", "/v1/projects/demo/rolling-release/config")
    try await ask("GET", "/v1/projects/demo/rolling-release/billing")
    let canary = try await deploy(text: "canary", staged: true)
    let body: JSON = ["canaryDeploymentId": .string(canary)]
    try await ask("POST", "/v1/projects/demo/rolling-release/start", body)
    try await ask("GET", "/v1/projects/demo/rolling-release")
    try await ask(
      "POST", "/v1/projects/demo/rolling-release/approve-stage",
      ["nextStageIndex": 1, "canaryDeploymentId": .string(canary)])
    _ = try await deployment(canary)
    try await ask("POST", "/v1/projects/demo/rolling-release/complete", body)
    _ = try await project()
    try await ask("DELETE", "/v1/projects/demo/rolling-release/config")
    try await ask("GET", "/v1/projects/demo/rolling-release/config")
  }

  fileprivate func askAboutChecks() async throws {
    let check = try await ask(
      "POST", "/v2/projects/demo/checks",
      ["name": "gate", "requires": "deployment-url", "blocks": "deployment-alias", "targets": ["production"]])
    try await ask("GET", "/v2/projects/demo/checks")
    let id = try await create(text: "checked")
    clock.advance(60)
    let run = try await ask("POST", "/v2/deployments/\(id)/check-runs", ["checkId": check["id"] ?? .null])
    try await ask("GET", "/v2/deployments/\(id)/check-runs")
    try await ask(
      "PATCH", "/v2/deployments/\(id)/check-runs/\(run["id"]?.string ?? "")",
      ["status": "completed", "conclusion": "succeeded"])
    clock.advance(60)
    _ = try await deployment(id)
  }
}
