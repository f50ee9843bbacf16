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

  @Test func `a killed rotation goes on from where it stands, and makes no third value`() async throws {
    let project = try await GitProject()
    try project.change(
      "environments/demo.yaml", "provision: adopt\n",
      "provision: adopt\nsecrets: {sources: [{dotenv: .env.demo}, environment]}\n")
    try project.change(
      "environments/demo.yaml", "      API_KEY: {secret: DEMO_API_KEY}\n",
      "      API_KEY: {secret: DEMO_API_KEY}\n      API_KEY_PREVIOUS: {secret: DEMO_API_KEY_PREVIOUS}\n")
    try project.write(".shipit/\n__pycache__/\n.env.demo\n", to: ".gitignore")
    try await project.commit("two values")
    func stored() throws -> [String: String] {
      let text = try String(contentsOfFile: project.path + "/.env.demo", encoding: .utf8)
      return Dictionary(
        uniqueKeysWithValues: text.split(separator: "\n").map { line in
          let parts = line.split(separator: "=", maxSplits: 1)
          return (String(parts[0]), parts[1].trimmingCharacters(in: CharacterSet(charactersIn: "'\"")))
        })
    }
    try await KillStage.with(project) { stage in
      var stage = stage
      // What the process has would stand in for what the file lost.
      stage.variables["DEMO_API_KEY"] = ""
      try project.write(
        "DEMO_API_KEY=the-first-value\nDEMO_API_KEY_PREVIOUS=the-first-value\n", to: ".env.demo")
      try await stage.deploy("first", expecting: 0)
      let rotate = ["DEMO_API_KEY"]
      let writes = try await stage.count(expecting: 0, of: "secrets rotate", rotate)
      try #require(writes > 2, "only \(writes) writes were seen")
      print("a rotation makes \(writes) writes")
      try await stage.deploy("taken up", expecting: 0)
      for place in KillPlace.once(to: writes, sample: 2) {
        // The end of the rotation before, as far as it goes.
        try await stage.deploy("\(place): go on", expecting: 0)
        try #require(try await stage.shipit("secrets rotate", rotate + ["--retire"]).code == 0)
        try await stage.deploy("\(place): retired", expecting: 0)
        let old = try #require(try stored()["DEMO_API_KEY"])
        try await stage.killed(at: place, "secrets rotate", rotate, unless: 0)
        let between = try stored()
        let isBegun = between["DEMO_API_KEY"] != old
        #expect(!isBegun || between["DEMO_API_KEY_PREVIOUS"] == old, "\(place): the old value is lost")
        let again = try await stage.shipit("secrets rotate", rotate)
        #expect(again.code == 0, "\(place): \(again.text)")
        let after = try stored()
        #expect(after["DEMO_API_KEY_PREVIOUS"] == old && after["DEMO_API_KEY"] != old, "\(place)")
        if isBegun { #expect(after == between, "\(place): a third value was made") }
        try await stage.deploy("\(place): taken up", expecting: 0)
      }
    }
  }
}
