import Foundation
import JSON
import TestSupport
import Testing

/// shipit killed with SIGKILL at each write of its journal once, while it writes secrets to three platforms and to GitHub
/// Actions, or makes new ones, then run again.
///
/// A sample in `make test`, every write with `SHIPIT_LONG=1`.
@Suite(.serialized, .timeLimit(.minutes(30))) struct KillSecretsTests {
  /// The demo with one secret everywhere.
  private func project() async throws -> GitProject {
    let project = try await GitProject.threePlatforms()
    try project.change(
      "environments/demo.yaml", "variables: {NEXT_PUBLIC_API_URL:",
      "variables: {WEB_KEY: {secret: DEMO_API_KEY}, NEXT_PUBLIC_API_URL:")
    try project.change(
      "environments/demo.yaml", "provision: adopt\n",
      """
      provision: adopt
      secrets:
        github: {repository: demo/app, token: {secret: GITHUB_TOKEN}, write: [DEMO_API_KEY]}

      """)
    var sections = try JSON(parsing: Array(try project.scratch.read("seed.json").utf8)).object ?? [:]
    sections["github"] = ["repositories": ["demo/app"], "tokens": [["token": "demo-github-token"]]]
    try project.scratch.write(JSON.object(sections).serialized(), to: "seed.json")
    try await project.commit("one secret everywhere")
    return project
  }

  /// What each place has of the secret, as fingerprints of the twin; GitHub's in the clear.
  private func stored(_ twin: TwinProcess) async throws -> [String: String] {
    let railway = try await twin.control("GET", "state")["services"]?.array?
      .first { $0["service"]?.string == "api" }?["variables"]?["API_KEY"]?.string
    let vercel = try await twin.control("GET", "vercel/state")["projects"]?.array?
      .first { $0["name"]?.string == "web" }?["variables"]?["WEB_KEY"]?.string
    let encore = try await twin.control("GET", "encore/state")["secrets"]?.array?
      .first { $0["key"]?.string == "API_KEY" && $0["archived"]?.bool == false }?["value"]?.string
    let github = try await twin.control("GET", "github/state")["secrets"]?.array?
      .first { $0["name"]?.string == "DEMO_API_KEY" }?["value"]?.string
    return ["railway": railway, "vercel": vercel, "encore": encore, "github": github].compactMapValues(\.self)
  }

  @Test func `a killed sync is brought to its end on each, and then there is nothing to do`() async throws {
    try await KillStage.with(try await project()) { stage in
      var stage = stage
      try await stage.deploy("first", expecting: 0)
      try await stage.shipit("secrets sync")
      var last = try await stored(stage.twin)
      #expect(last.count == 4, "\(last)")
      stage.variables["DEMO_API_KEY"] = "a value of the count"
      let writes = try await stage.count(expecting: 0, of: "secrets sync")
      try #require(writes > 8, "only \(writes) writes were seen")
      print("a sync of four places makes \(writes) writes")
      last = try await stored(stage.twin)
      for place in KillPlace.once(to: writes, sample: 3) {
        let value = "a value of \(place)"
        stage.variables["DEMO_API_KEY"] = value
        try await stage.killed(at: place, "secrets sync", unless: 0)
        let again = try await stage.shipit("secrets sync")
        #expect(again.code == 0, "\(place): \(again.code) \(again.text)")
        let now = try await stored(stage.twin)
        #expect(now["github"] == value, "\(place)")
        let fingerprints = Set(["railway", "vercel", "encore"].compactMap { now[$0] })
        #expect(
          fingerprints.count == 1 && now["vercel"] != last["vercel"], "\(place): \(now), before \(last)")
        let idle = try await stage.shipit("secrets sync")
        #expect(idle.code == 0 && idle.text.contains("nothing to do"), "\(place): \(idle.text)")
        #expect(!again.text.contains(value) && !idle.text.contains(value))
        last = now
      }
    }
  }
}
