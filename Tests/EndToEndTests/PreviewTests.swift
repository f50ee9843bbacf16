import Foundation
import JSON
import TestSupport
import Testing

/// Previews beside a product that is live, by the built program, with real processes behind the twin.
@Suite(.serialized, .timeLimit(.minutes(Checkout.isLong ? 30 : 10)))
struct `Previews beside a live environment` {
  @Test func `answer with the branch, are updated, and go without a trace`() async throws {
    try await PreviewStage.with { stage in
      let (project, twin) = (stage.provision.project, stage.provision.twin)
      let live = try await project.git("rev-parse", "HEAD")
      try await project.git("checkout", "-q", "-b", "feature/greeting")
      try project.change("app/server.py", "\"hello\"", "\"good day\"")
      let commit = try await project.commit("another greeting")
      let before = try await stage.production()

      let made = try await stage.preview("--pull-request", "7", "--yes")
      #expect(made.code == 0, "\(made.text)")
      for words in [
        "api gets no API_KEY", "not checked: front page",
        "make the Railway environment pr-7 out of production",
      ] {
        #expect(made.text.contains(words), "\(words): \(made.text)")
      }
      let first = try await stage.addresses("--pull-request", "7")
      #expect(try await twin.ask(first("api") + "/")["greeting"]?.string == "good day")
      #expect(try await twin.ask(first("api") + "/health")["revision"]?.string == commit)
      // Vercel's protection keeps the public from previews: its own word is asked.
      #expect(try await stage.previews().map { $0["state"]?.string } == ["READY"])
      #expect(first("web").contains("web-"), "\(first("web"))")
      // Production goes on with its own commit, and nothing of it was written.
      #expect(try await stage.production() == before, "production was touched")
      let answer = try await twin.ask(stage.api(before) + "/")
      #expect(answer["greeting"]?.string == "hello", "\(answer.serialized())")
      #expect(answer["revision"]?.string == live, "\(answer.serialized())")
      // The database is its own, with a password of its own, and secrets of production are not there.
      let own = try await stage.services("pr-7")
      #expect(own["Postgres"]?["active"]?.array?.count == 1, "\(own)")
      #expect(
        own["Postgres"]?["variables"]?["PGPASSWORD"]
          != before.railway["Postgres"]?["variables"]?["PGPASSWORD"])
      #expect(own["api"]?["variables"]?["API_KEY"] == nil, "\(own)")
      #expect(own["api"]?["variables"]?["DATABASE_URL"] != nil, "\(own)")

      let requests = try await stage.provision.creations()
      let again = try await stage.preview("--pull-request", "7", "--yes")
      #expect(again.code == 0, "\(again.text)")
      #expect(again.text.contains("nothing to do"), "\(again.text)")
      #expect(again.text.contains(first("api")), "the addresses are told again: \(again.text)")
      #expect(try await stage.provision.creations() == requests, "the second run made something")

      try project.change("app/server.py", "\"good day\"", "\"good evening\"")
      // As after a rebase: no descendant of what the preview runs.
      try await project.git("commit", "-q", "-a", "--amend", "-m", "yet another")
      let updated = try await stage.preview("--pull-request", "7", "--yes")
      #expect(updated.code == 0, "\(updated.text)")
      #expect(try await twin.ask(first("api") + "/")["greeting"]?.string == "good evening")
      #expect(try await stage.provision.made().environments == ["pr-7", "production"])

      let deleted = try await stage.preview("--pull-request", "7", "--delete", "--yes")
      #expect(deleted.code == 0, "\(deleted.text)")
      #expect(deleted.text.contains("deleted    the Railway environment pr-7"), "\(deleted.text)")
      #expect(try await stage.provision.made().environments == ["production"])
      #expect(try await stage.previews().isEmpty)
      #expect(try await stage.production() == before, "deleting the preview touched production")
      let twice = try await stage.preview("--pull-request", "7", "--delete", "--yes")
      #expect(twice.code == 0, "\(twice.text)")
      #expect(twice.text.contains("nothing of the preview pr-7 of demo is there"), "\(twice.text)")

      let back = try await stage.preview("--pull-request", "7", "--yes")
      #expect(back.code == 0, "a preview comes back after it was deleted: \(back.text)")
    }
  }

  @Test func `a service that only the branch has is made in the preview alone, and goes with it`()
    async throws
  {
    try await PreviewStage.with { stage in
      let project = stage.provision.project
      let before = try await stage.production()
      try await project.git("checkout", "-q", "-b", "more")
      try project.change(
        "environments/demo.yaml", "  web:\n    platform: vercel",
        """
          extra:
            platform: railway
            source: {directory: ./app}
            variables: {ROLE: api}
            settings: {start: python3 server.py}
            health: {path: /health, identity: {json: revision}, within: 10s, soak: 1s}
          web:
            platform: vercel
        """)
      try project.change(
        "environments/demo.yaml", "databases:",
        "preview:\n  variables: {extra: {KEY: {secret: DEMO_API_KEY}, GREETING: moin}}\n\ndatabases:")
      try await project.commit("one service more")
      let made = try await stage.preview("--yes")
      #expect(made.code == 0, "\(made.text)")
      let address = try await stage.addresses()
      #expect(try await stage.provision.twin.ask(address("extra") + "/")["greeting"]?.string == "moin")
      #expect(try await stage.services("more")["extra"]?["variables"]?["KEY"] != nil, "named for previews")
      #expect(try await stage.production() == before, "production got the branch's service")
      let deleted = try await stage.preview("--delete", "--yes")
      #expect(deleted.code == 0, "\(deleted.text)")
      #expect(deleted.text.contains("deleted    the Railway service extra"), "\(deleted.text)")
      #expect(try await stage.production() == before)
      let back = try await stage.preview("--yes")
      #expect(back.code == 0, "its name is free again: \(back.text)")
    }
  }

  @Test func `what is not shipit's is neither taken over nor deleted`() async throws {
    try await PreviewStage.with { stage in
      try await stage.provision.twin.control("POST", "environments", ["project": "shop", "name": "theirs"])
      let before = try await stage.provision.made()
      for command in [["--name", "theirs", "--yes"], ["--name", "theirs", "--delete", "--yes"]] {
        let refused = try await stage.preview(command)
        #expect(refused.code == 12 || refused.code == 8, "\(command): \(refused.text)")
        #expect(refused.text.contains("is no preview of shipit's"), "\(refused.text)")
      }
      for name in ["demo", "production", "Production", "-x"] {
        let refused = try await stage.preview("--name", name, "--delete", "--yes")
        #expect(refused.code == 2, "\(name): \(refused.text)")
      }
      #expect(try await stage.provision.made() == before)
    }
  }

  @Test func `answers that are lost on the way make no duplicates and leave nothing`() async throws {
    try await PreviewStage.with { stage in
      let twin = stage.provision.twin
      try await stage.provision.project.git("checkout", "-q", "-b", "lost")
      let before = try await stage.production()
      for operation in [
        "ShipitEnvironmentCreate", "ShipitVariablesUpsert", "ShipitDeploy", "ShipitServiceDomainCreate",
        "ShipitEnvironmentDelete",
      ] {
        try await twin.control("POST", "faults", ["operation": .string(operation), "fault": "cut"])
      }
      for operation in ["createDeployment", "deleteDeployment"] {
        try await twin.control("POST", "vercel/faults", ["operation": .string(operation), "fault": "cut"])
      }
      let made = try await stage.preview("--yes")
      #expect(made.code == 0, "\(made.text)")
      #expect(try await stage.provision.made().environments == ["lost", "production"])
      #expect(try await stage.previews().count == 1)
      let own = try await stage.services("lost")
      #expect(own["Postgres"]?["active"]?.array?.count == 1, "\(own)")
      #expect(own["api"]?["variables"]?["API_KEY"] == nil, "\(own)")
      let deleted = try await stage.preview("--delete", "--yes")
      #expect(deleted.code == 0, "\(deleted.text)")
      #expect(try await stage.provision.made().environments == ["production"])
      #expect(try await stage.previews().isEmpty)
      #expect(try await stage.production() == before)
    }
  }

  @Test func `a plan whose comment may not be written is on the page of the run`() async throws {
    try await ActionsWorld.with { world in
      let deployed = try await world.project.shipit(
        "deploy", "demo", "--yes", variables: world.twin.variables)
      try #require(deployed.code == 0, "\(deployed.text)")
      let step = try await world.step(
        "preview", "demo", "--plan", "--pull-request", "7",
        variables: ["GITHUB_TOKEN": "of-a-fork", "RAILWAY_API_TOKEN": "", "DEMO_API_KEY": ""])
      #expect(step.result.code == 0, "\(step.result.text)")
      #expect(step.summary.contains("By the ledger alone"), "\(step.summary)")
      #expect(
        step.commands.contains { $0.hasPrefix("::warning") && $0.contains("comment") }, "\(step.commands)")
    }
  }

  @Test func `a kill at any write of the journal loses nothing and doubles nothing`() async throws {
    guard let shim = try await KillShim.build() else {
      print("skipped: no C compiler to build the library that kills at a write")
      return
    }
    try await PreviewStage.with { stage in
      let project = stage.provision.project
      try await project.git("checkout", "-q", "-b", "killed")
      let before = try await stage.production()
      let whole = try await stage.preview(["--name", "whole", "--yes"], shim.variables(at: 0))
      try #require(whole.code == 0, "\(whole.text)")
      let writes = try shim.count()
      try #require(writes > 15, "only \(writes) writes were seen")
      for (number, place) in KillPlace.once(to: writes, sample: Checkout.isLong ? 12 : 3).enumerated() {
        let name = "kill-\(number)"
        let killed = try await stage.preview(
          ["--name", name, "--yes"], shim.variables(at: place.write, when: place.when.rawValue))
        try #require(killed.code == 137 || killed.code == 0, "\(place): \(killed.code) \(killed.text)")
        if number % 2 == 0 {
          // Also with another commit: what the killed run left is settled first.
          if number % 4 == 0 { try await project.git("commit", "-q", "--allow-empty", "-m", name) }
          let again = try await stage.preview("--name", name, "--yes")
          #expect(again.code == 0, "\(place), then run again: \(again.text)")
          #expect(try await stage.provision.made().environments.filter { $0 == name }.count == 1)
        }
        let deleted = try await stage.preview("--name", name, "--delete", "--yes")
        #expect(deleted.code == 0, "\(place), then deleted: \(deleted.text)")
        #expect(try await !stage.provision.made().environments.contains(name), "\(place)")
      }
      #expect(try await stage.preview("--name", "whole", "--delete", "--yes").code == 0)
      #expect(try await stage.previews().isEmpty)
      #expect(try await stage.production() == before)
    }
  }

  @Test func `a plan by the ledger alone needs no credentials and asks nobody`() async throws {
    try await PreviewStage.with { stage in
      let project = stage.provision.project
      try await project.git("checkout", "-q", "-b", "plan")
      try project.change(
        "environments/demo.yaml", "ROLE: api\n      DATABASE_URL",
        "ROLE: api\n      NEW: value\n      DATABASE_URL")
      try await project.commit("a variable")
      let before = try await stage.requests()
      let planned = try await project.shipit("preview", "demo", "--plan", variables: [:])
      #expect(planned.code == 0, "\(planned.text)")
      for words in ["by the ledger alone", "executes nothing", "NEW", "databases were not asked"] {
        #expect(planned.text.contains(words), "\(words): \(planned.text)")
      }
      #expect(!planned.text.contains("API_KEY"), "the same secret is no change: \(planned.text)")
      #expect(try await stage.requests() == before, "a platform was asked")
    }
  }
}

/// A product that is live on both platforms.
struct PreviewStage {
  let provision: ProvisionStage

  static func with(_ play: (PreviewStage) async throws -> Void) async throws {
    try await ProvisionStage.with { provision in
      try await provision.twin.control("POST", "dns", ["domain": "shop.localhost"])
      let deployed = try await provision.deploy()
      try #require(deployed.code == 0, "\(deployed.text)")
      try await play(PreviewStage(provision: provision))
    }
  }

  func preview(_ arguments: String...) async throws -> ShipitResult { try await preview(arguments) }

  func preview(_ arguments: [String], _ more: [String: String] = [:]) async throws -> ShipitResult {
    try await provision.project.shipit(
      ["preview", "demo"] + arguments, variables: provision.twin.variables.merging(more) { $1 },
      timeout: .seconds(150))
  }

  /// Everything of production that could be touched: where it answers, what runs, and its variables by fingerprint.
  struct Production: Equatable {
    var railway: [String: JSON]
    var vercel: [JSON]
    var aliases: [String]
  }

  func production() async throws -> Production {
    let vercel = try await provision.twin.control("GET", "vercel/state")
    return Production(
      railway: try await services("production"), vercel: vercel["projects"]?.array ?? [],
      aliases: (vercel["aliases"]?.array ?? []).map { $0.serialized() }.filter { $0.contains("\"web.") }
        .sorted())
  }

  func services(_ environment: String) async throws -> [String: JSON] {
    let rows = try await provision.twin.control("GET", "state")["services"]?.array ?? []
    var services: [String: JSON] = [:]
    for row in rows where row["environment"]?.string == environment {
      services[row["service"]?.string ?? ""] = row
    }
    return services
  }

  func api(_ production: Production) -> String { production.railway["api"]?["address"]?.string ?? "" }

  /// Deployments on Vercel that are none of production.
  func previews() async throws -> [JSON] {
    let deployments = try await provision.twin.control("GET", "vercel/state")["deployments"]?.array ?? []
    return deployments.filter { $0["target"]?.string == "preview" && $0["state"]?.string != "DELETED" }
  }

  /// The addresses that the command tells, by service.
  func addresses(_ arguments: String...) async throws -> (String) -> String {
    let told = try await preview(arguments + ["--yes", "--json"])
    let lines = told.output.split(separator: "\n").compactMap { try? JSON(parsing: Array($0.utf8)) }
    let report = lines.last { $0["kind"]?.string == "preview" }
    return { name in
      report?["services"]?.array?.first { $0["service"]?.string == name }?["url"]?.string ?? ""
    }
  }

  /// How many requests both platforms were sent.
  func requests() async throws -> [String] {
    try await [
      provision.twin.control("GET", "counts").serialized(),
      provision.twin.control("GET", "vercel/counts").serialized(),
    ]
  }
}
