import Foundation
import JSON
import TestSupport
import Testing

/// `secrets.github`: what jobs of GitHub Actions are given, written by `shipit secrets sync`.
@Suite(.timeLimit(.minutes(5))) struct `Secrets of jobs are kept as the sources have them` {
  private func withProject(
    _ body: (ActionsWorld, [String: String]) async throws -> Void
  ) async throws {
    try await ActionsWorld.with { world in
      try world.project.change(
        "environments/demo.yaml", "provision: adopt\n",
        """
        provision: adopt
        secrets:
          github:
            repository: demo/app
            environment: prod
            token: {secret: SECRETS_TOKEN}
            write: [DEMO_API_KEY, NPM_TOKEN]
            names: {DEMO_API_KEY: API_KEY}

        """)
      try await world.project.commit("secrets of jobs")
      var variables = world.twin.variables
      variables["SECRETS_TOKEN"] = ActionsWorld.token
      variables["NPM_TOKEN"] = "npm-token-of-the-demo"
      try await body(world, variables)
    }
  }

  /// `environment/NAME=value`, as jobs get them, and when GitHub took each.
  private func given(_ world: ActionsWorld) async throws -> [(secret: String, at: String)] {
    let rows = try await world.twin.control("GET", "github/state")["secrets"]?.array ?? []
    return rows.map { row in
      func text(_ key: String) -> String { row[key]?.string ?? "" }
      return ("\(text("environment"))/\(text("name"))=\(text("value"))", text("updated"))
    }
  }

  @Test func `written once, again when the value changes, and never shown`()
    async throws
  {
    try await withProject { world, variables in
      var variables = variables
      func shipit(_ arguments: String...) async throws -> ShipitResult {
        try await world.project.shipit(arguments, variables: variables)
      }
      let deployed = try await shipit("deploy", "demo", "--yes")
      #expect(deployed.code == 0, "\(deployed.text)")
      #expect(try await given(world).isEmpty, "a deploy writes none")
      let missing = try await shipit("secrets", "diff", "demo", "--detailed-exitcode")
      #expect(missing.code == 3, "\(missing.text)")
      #expect(missing.text.contains("GitHub Actions  of demo/app, environment prod"), "\(missing.text)")

      let written = try await shipit("secrets", "sync", "demo", "--yes")
      #expect(written.code == 0, "\(written.text)")
      #expect(written.text.contains("rollback possible in part"), "\(written.text)")
      let first = try await given(world)
      #expect(
        first.map(\.secret) == [
          "prod/API_KEY=\(TwinProcess.plantedKey)", "prod/NPM_TOKEN=npm-token-of-the-demo",
        ])
      let same = try await shipit("secrets", "diff", "demo", "--detailed-exitcode")
      #expect(same.code == 0 && same.text.contains("shipit wrote this value"), "\(same.text)")
      let twice = try await shipit("secrets", "sync", "demo", "--yes")
      #expect(twice.code == 0 && twice.text.contains("nothing to do"), "\(twice.text)")
      #expect(try await given(world).map(\.at) == first.map(\.at))

      // Another value, and only that one is written; a deploy in between forgets nothing.
      #expect(try await shipit("deploy", "demo", "--yes").code == 0)
      variables["NPM_TOKEN"] = "another-npm-token"
      let differs = try await shipit("secrets", "diff", "demo", "--json")
      let states = try JSON(parsing: Array(differs.output.utf8))["entries"]?.array?
        .filter { $0["github"]?.object != nil }.map { $0["state"]?.string }
      #expect(states == ["unreadable", "differs"], "\(differs.output)")
      let changed = try await shipit("secrets", "sync", "demo", "--yes")
      #expect(changed.code == 0 && changed.text.contains("1 written"), "\(changed.text)")
      let second = try await given(world)
      #expect(second.map(\.secret).last == "prod/NPM_TOKEN=another-npm-token")
      #expect(second.first?.at == first.first?.at)
      let all = [deployed, missing, written, same, twice, differs, changed].map(\.text).joined()
      for value in [TwinProcess.plantedKey, "npm-token-of-the-demo", "another-npm-token", ActionsWorld.token]
      {
        #expect(!all.contains(value))
      }
    }
  }

  @Test func `a deploy needs neither them nor their token, a sync names what is missing`() async throws {
    try await withProject { world, variables in
      var variables = variables
      variables["SECRETS_TOKEN"] = nil
      variables["NPM_TOKEN"] = nil
      let deployed = try await world.project.shipit(["deploy", "demo", "--yes"], variables: variables)
      #expect(deployed.code == 0, "\(deployed.text)")
      let refused = try await world.project.shipit(
        ["secrets", "sync", "demo", "--yes"], variables: variables)
      #expect(refused.code == 2, "\(refused.text)")
      for words in ["NPM_TOKEN", "SECRETS_TOKEN", "secrets.github.token"] {
        #expect(refused.text.contains(words), "\(refused.text)")
      }
      variables["NPM_TOKEN"] = "npm-token-of-the-demo"
      variables["SECRETS_TOKEN"] = "a-token-without-the-right"
      let denied = try await world.project.shipit(["secrets", "sync", "demo", "--yes"], variables: variables)
      #expect(denied.code == 4, "\(denied.text)")
      #expect(denied.text.contains("fine-grained token"), "\(denied.text)")
      #expect(try await given(world).isEmpty)
    }
  }
}
