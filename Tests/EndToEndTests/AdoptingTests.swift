import Foundation
import JSON
import TestSupport
import Testing

/// `init` where something stands already: a product that one environment file deployed, and whose file is gone.
@Suite struct AdoptingTests {
  private static let file = """
    shipit: 1
    environment: demo
    app: shop
    state: local
    platforms:
      railway: {workspace: acme, project: shop, environment: production, token: {secret: RAILWAY_API_TOKEN}}
      vercel: {team: acme, token: {secret: VERCEL_TOKEN}}
    provision: create
    protect: {deadline: 3m}
    services:
      app:
        platform: railway
        source: {directory: ./app}
        variables:
          ROLE: api
          DATABASE_URL: ${railway.Postgres.DATABASE_URL}
          API_KEY: {secret: API_KEY}
        settings: {start: python3 server.py, restart: on-failure, overlap: 1s, drain: 2s, memory: 1GB}
        health: {path: /health, identity: {json: revision}, within: 10s, steady: 3, grace: 2s, soak: 1s}
      web:
        platform: vercel
        source: {directory: ./web}
        needs: [app]
        variables: {NEXT_PUBLIC_API_URL: "${services.app.url}"}
        settings: {build: python3 build.py, output: dist}
        health: {path: /version.json, identity: vercel, within: 15s, steady: 3, grace: 3s, soak: 1s}
    databases:
      main:
        engine: postgres
        create: {railway: {template: postgres, service: Postgres}}
    """

  @Test func whatStandsIsTakenOverWithoutASurprise() async throws {
    let project = try await GitProject.fromNothing()
    try project.write(Self.file, to: "environments/demo.yaml")
    try project.write(
      #"{"buildCommand": "python3 build.py", "outputDirectory": "dist"}"# + "\n", to: "web/vercel.json")
    try await project.commit("a product")
    let twin = try await TwinProcess.start(for: project, seed: project.seed)
    defer { Task { await twin.stop() } }
    let variables = twin.variables.merging(["API_KEY": TwinProcess.plantedKey]) { $1 }
    let deployed = try await project.shipit(
      "deploy", "demo", "--yes", variables: variables, timeout: .seconds(150))
    try #require(deployed.code == 0, "\(deployed.text)")

    // The repository is called like the project, and nothing of the first deploy is left in it.
    let origin = project.scratch.path + "/acme/shop.git"
    try await project.git("init", "-q", "--bare", "-b", "main", origin)
    try await project.git("remote", "set-url", "origin", origin)
    try await project.git("rm", "-rq", "environments")
    try await project.commit("no file any more")
    try FileManager.default.removeItem(atPath: project.path + "/.shipit")
    let adopted = try await project.shipit("init", "--yes", variables: variables, timeout: .seconds(60))
    #expect(adopted.code == 0, "\(adopted.text)")
    let text = try project.scratch.read("project/environments/prod.yaml")
    for words in [
      "provision: adopt", "project: \"shop\"  # from Railway", "start: python3 server.py  # from Railway",
      "memory: 1GB  # from Railway", "API_KEY: {secret: API_KEY}", "${railway.Postgres.DATABASE_URL}",
      "path: /health  # from Railway", "team: \"acme\"  # from Vercel",
      "platform: vercel", "directory: ./app",
    ] {
      #expect(text.contains(words), "\(words): \(text)")
    }
    #expect(!text.contains(TwinProcess.plantedKey), "\(text)")
    #expect(!text.contains(": api"), "a plain value was copied: \(text)")

    try await project.commit("adopted")
    let planned = try await project.shipit(["plan", "prod", "--json"], variables: variables)
    #expect(planned.code == 0, "\(planned.text)")
    let plan = try JSON(parsing: Array(planned.output.utf8))
    for step in plan["steps"]?.array ?? [] {
      let words = step.serialized()
      #expect(!words.contains("\"settings"), "\(words)")
      #expect(!words.contains("\"variables"), "\(words)")
    }
    let shown = try await project.shipit("plan", "prod", variables: variables)
    for line in shown.text.split(separator: "\n").map({ $0.drop { $0 == " " } }) {
      #expect(!line.hasPrefix("settings ") && !line.hasPrefix("variables "), "\(shown.text)\n\(text)")
    }

    // Only what somebody changes is a change.
    try project.change("environments/prod.yaml", "overlap: 1s", "overlap: 3s")
    try await project.commit("another overlap")
    let changed = try await project.shipit("plan", "prod", variables: variables)
    #expect(changed.text.split(separator: "\n").contains { $0.hasPrefix("  settings ") }, "\(changed.text)")
  }

  @Test func aTokenThatIsRefusedIsSaidAndTheFilesAreWritten() async throws {
    let project = try await GitProject.fromNothing()
    let twin = try await TwinProcess.start(for: project, seed: project.seed)
    defer { Task { await twin.stop() } }
    try project.write("{\"deploy\": {\"startCommand\": \"python3 server.py\"}}\n", to: "app/railway.json")
    try await project.commit("a service")
    var variables = twin.variables
    variables["RAILWAY_API_TOKEN"] = "no-such-token"
    variables["VERCEL_TOKEN"] = nil
    let adopted = try await project.shipit("init", "--yes", variables: variables)
    #expect(adopted.code == 0, "\(adopted.text)")
    for words in [
      "Railway was not read", "neither as a project token nor as a workspace", "VERCEL_TOKEN is not set",
    ] {
      #expect(
        adopted.text.replacingOccurrences(of: "\n", with: " ").contains(words), "\(words): \(adopted.text)")
    }
    let offline = try await project.shipit("init", "staging", "--yes", "--offline", variables: variables)
    #expect(offline.code == 0, "\(offline.text)")
    #expect(!offline.text.contains("was not read"), "\(offline.text)")
  }

  @Test func aFileInWhichNothingCountsYetIsValidAndNoPlan() async throws {
    let project = try await GitProject.fromNothing()
    try project.write(
      "{\"scripts\": {\"start\": \"node server.js\"}, \"dependencies\": {\"express\": \"5\"}}\n",
      to: "jobs/package.json")
    try await project.commit("a program")
    let adopted = try await project.shipit("init", "--yes")
    #expect(adopted.code == 0, "\(adopted.text)")
    let text = try project.scratch.read("project/environments/prod.yaml")
    #expect(text.contains("\n#   jobs:"), "\(text)")
    #expect(try await project.shipit("validate", "prod").code == 0)
    let plan = try await project.shipit("plan", "prod")
    #expect(plan.code == 2, "\(plan.text)")
    #expect(plan.text.contains("no service yet"), "\(plan.text)")
  }

  @Test func whatStandsElsewhereIsNotReadAndWhatStandsHereIsShownWithoutItsSecrets() async throws {
    let project = try await GitProject.fromNothing()
    let outside = project.scratch.path + "/outside.json"
    try #"{"deploy": {"startCommand": "./elsewhere"}}"#.write(
      toFile: outside, atomically: true, encoding: .utf8)
    try FileManager.default.createSymbolicLink(
      atPath: project.path + "/railway.json", withDestinationPath: outside)
    try project.write(String(repeating: "a", count: 600_000), to: "jobs/Procfile")
    try project.write("{\"deploy\": {\"startCommand\": \"python3 server.py\"}}\n", to: "app/railway.json")
    try project.write("API_KEY: hunter2pass\nname: mine\n", to: "environments/prod.yaml")
    try await project.commit("links")
    let adopted = try await project.shipit("init", "--yes", "--offline")
    let said = adopted.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(said.contains("railway.json is a link that leads out of the repository"), "\(said)")
    #expect(said.contains("jobs/Procfile is larger than 512 KiB"), "\(said)")
    #expect(!said.contains("elsewhere"), "\(said)")
    #expect(said.contains("- API_KEY: •••") && said.contains("- name: mine"), "\(said)")
    #expect(!said.contains("hunter2"), "\(said)")
    let quiet = try await project.shipit("init", "--yes", "--offline", "--quiet", "--force")
    #expect(quiet.code == 0, "\(quiet.text)")
    #expect(
      quiet.text.contains("environments/prod.yaml") && quiet.text.contains("1 service"), "\(quiet.text)")
    #expect(!quiet.text.contains("To be said by you"), "\(quiet.text)")
  }
}
