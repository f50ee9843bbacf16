import Foundation
import JSON
import TestSupport
import Testing

/// A product brought up from empty accounts by the built program, with real processes behind the twin.
@Suite(.serialized, .timeLimit(.minutes(Checkout.isLong ? 180 : 10))) struct ProvisionTests {
  @Test func oneDeployBringsAProductUpOnEmptyAccountsAndASecondMakesNothing() async throws {
    try await ProvisionStage.with { stage in
      try await stage.twin.control("POST", "dns", ["domain": "shop.localhost"])
      let plan = try await stage.project.shipit("plan", "demo", variables: stage.twin.variables)
      #expect(plan.code == 0, "\(plan.text)")
      for words in [
        "make the Railway project shop", "make the Railway service shop-worker",
        "make the database Postgres from Railway's template postgres", "make the volume of api at /data",
        "make the domain api.shop.localhost of api", "make the Vercel project web", "nothing takes them back",
      ] {
        #expect(plan.text.contains(words), "\(words): \(plan.text)")
      }
      #expect(try await stage.made() == Made(), "a plan made something")

      let deployed = try await stage.deploy()
      #expect(deployed.code == 0, "\(deployed.text)")
      let made = try await stage.made()
      #expect(made == Made.everything, "\(made)")
      try await stage.expectLive()
      let requests = try await stage.creations()

      let again = try await stage.deploy()
      #expect(again.code == 0, "\(again.text)")
      #expect(again.text.contains("nothing to do"), "\(again.text)")
      #expect(try await stage.made() == made)
      #expect(try await stage.creations() == requests)
    }
  }

  @Test func recordsOfADomainAreManualLinesAndExitCode9UntilTheyAreThere() async throws {
    try await ProvisionStage.with { stage in
      let deployed = try await stage.deploy()
      #expect(deployed.code == 9, "\(deployed.text)")
      try await stage.expectLive()
      for words in [
        "1. manual: DNS of api.shop.localhost", "CNAME api.shop.localhost → ", ".up.railway.app",
        "TXT _railway-verify.api.shop.localhost → railway-verify=",
      ] {
        #expect(deployed.text.contains(words), "\(words): \(deployed.text)")
      }
      // One code in all that is printed.
      #expect(deployed.text.contains("exit       9: ") && !deployed.text.contains("exit       0"))
      let again = try await stage.deploy()
      #expect(again.code == 9, "\(again.text)")
      #expect(again.text.contains("CNAME api.shop.localhost → "), "\(again.text)")

      try await stage.twin.control("POST", "dns", ["domain": "shop.localhost"])
      let done = try await stage.deploy()
      #expect(done.code == 0, "\(done.text)")
      #expect(!done.text.contains("manual"), "\(done.text)")
    }
  }

  @Test func answersThatAreLostAfterEachCreationMakeNoDuplicates() async throws {
    try await ProvisionStage.with { stage in
      try await stage.twin.control("POST", "dns", ["domain": "shop.localhost"])
      for operation in [
        "ShipitProjectCreate", "ShipitServiceCreate", "ShipitTemplateDeploy", "ShipitVolumeCreate",
        "ShipitServiceDomainCreate", "ShipitCustomDomainCreate", "ShipitPatchCommit",
      ] {
        try await stage.twin.control("POST", "faults", ["operation": .string(operation), "fault": "cut"])
      }
      try await stage.twin.control("POST", "vercel/faults", ["operation": "createProject", "fault": "cut"])
      let deployed = try await stage.deploy()
      #expect(deployed.code == 0, "\(deployed.text)")
      let made = try await stage.made()
      #expect(made == Made.everything, "\(made)")
      try await stage.expectLive()
    }
  }

  @Test func aKillAtAnyWriteOfTheJournalLosesNothingAndDoublesNothing() async throws {
    guard let shim = try await KillShim.build() else {
      print("skipped: no C compiler to build the library that kills at a write")
      return
    }
    var writes = 0
    try await ProvisionStage.with { stage in
      try await stage.settled()
      let whole = try await stage.deploy(shim.variables(at: 0))
      try #require(whole.code == 0, "\(whole.text)")
      writes = try shim.count()
    }
    try #require(writes > 30, "only \(writes) writes were seen")
    print("a deploy from empty accounts makes \(writes) writes")
    for place in KillPlace.once(to: writes, sample: 4) {
      try await ProvisionStage.with { stage in
        try await stage.settled()
        let killed = try await stage.deploy(shim.variables(at: place.write, when: place.when.rawValue))
        try #require(killed.code == 137 || killed.code == 0, "\(place): \(killed.code) \(killed.text)")
        let again = try await stage.deploy()
        #expect(again.code == 0, "\(place), then run again: \(again.code) \(again.text)")
        let made = try await stage.made()
        #expect(made == Made.everything, "\(place): \(made)")
        try await stage.expectLive()
      }
    }
  }

  @Test func pruneShowsWhatIsLeftOverAndRemovesTheOneKindThatIsNamed() async throws {
    try await ProvisionStage.with { stage in
      try await stage.twin.control("POST", "dns", ["domain": "shop.localhost"])
      try #require(try await stage.deploy().code == 0)
      let file = try stage.project.scratch.read("project/environments/demo.yaml")
      let lines = file.components(separatedBy: "\n")
      let from = try #require(lines.firstIndex(of: "  worker:"))
      let to = try #require(lines.firstIndex(of: "  web:"))
      var fewer = Array(lines[..<from] + lines[to...])
      fewer.removeAll { $0.contains("domains: [api.shop.localhost]") || $0 == "    volume: /data" }
      let cache = try #require(fewer.firstIndex(of: "  cache:"))
      fewer.removeSubrange(cache...(cache + 2))
      try stage.project.write(fewer.joined(separator: "\n"), to: "environments/demo.yaml")
      try await stage.project.commit("fewer")

      func prune(_ more: String...) async throws -> ShipitResult {
        try await stage.project.shipit(["prune", "demo"] + more, variables: stage.twin.variables)
      }
      let shown = try await prune()
      #expect(shown.code == 0, "\(shown.text)")
      for words in [
        "the Railway service shop-worker", "the domain api.shop.localhost of api",
        "the Railway service Redis  stays: it has a volume",
      ] {
        #expect(shown.text.contains(words), "\(words): \(shown.text)")
      }
      #expect(try await stage.made() == Made.everything)
      #expect(try await prune("volumes", "--yes").code == 2)
      #expect(try await prune("services").code == 2, "nobody was asked")
      #expect(try await stage.made() == Made.everything)

      let pruned = try await prune("services", "--yes")
      #expect(pruned.code == 0, "\(pruned.text)")
      var left = Made.everything
      left.services.removeAll { $0 == "shop-worker" }
      left.proxies.removeAll { $0.hasPrefix("shop-worker") }
      #expect(try await stage.made() == left)
    }
  }

  @Test func whatMayNotBeMadeIsSaidAndNothingIsMade() async throws {
    try await ProvisionStage.with { stage in
      try stage.project.change("environments/demo.yaml", "provision: create", "provision: never")
      try stage.project.change("environments/demo.yaml", "    domains: [api.shop.localhost]\n", "")
      try await stage.project.commit("never")
      let refused = try await stage.deploy()
      #expect(refused.code == 2, "\(refused.text)")
      #expect(refused.text.contains("nothing may be made: provision is `never`"), "\(refused.text)")
      #expect(refused.text.contains("the Railway project shop"), "\(refused.text)")
      #expect(try await stage.made() == Made())
      try stage.project.change("environments/demo.yaml", "provision: never", "provision: adopt")
      try await stage.project.commit("adopt")
      let adopting = try await stage.deploy()
      #expect(adopting.code == 2, "\(adopting.text)")
      #expect(adopting.text.contains("there is no Railway project “shop”"), "\(adopting.text)")
      #expect(try await stage.made() == Made())
    }
  }

  @Test func anEncoreEnvironmentIsMadeByAPersonAndNothingIsDeployedBefore() async throws {
    let project = try await GitProject.threePlatforms()
    try project.change("environments/demo.yaml", "provision: adopt", "provision: create")
    try project.change("environments/demo.yaml", "    environment: prod\n", "    environment: qa\n")
    try await project.commit("another environment")
    let twin = try await TwinProcess.start(for: project, seed: project.seed)
    do {
      let deployed = try await project.shipit("deploy", "demo", "--yes", variables: twin.variables)
      #expect(deployed.code == 9, "\(deployed.text)")
      for words in [
        "1. manual: the Encore environment qa, at https://app.encore.cloud/demo-jobs-x1/envs",
        "application demo-jobs-x1, “Create environment”, name qa",
      ] {
        #expect(deployed.text.contains(words), "\(words): \(deployed.text)")
      }
      let state = try await twin.control("GET", "state")
      #expect(state["deployments"]?.array?.isEmpty == true, "\(state.serialized())")
    } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  @Test func aProjectTokenIsToldApartBeforeAnythingIsMade() async throws {
    try await ProvisionStage.with { stage in
      try await stage.twin.control(
        "POST", "seed",
        [
          "projects": [["name": "other", "workspace": "acme"]],
          "tokens": [
            ["token": "narrow", "kind": "project", "project": "other", "environment": "production"]
          ],
        ])
      let refused = try await stage.deploy(["RAILWAY_API_TOKEN": "narrow"])
      #expect(refused.code == 4, "\(refused.text)")
      #expect(refused.text.contains("cannot create projects"), "\(refused.text)")
      #expect(try await stage.made() == Made(projects: ["other"], environments: ["production"]))
    }
  }
}

/// What stands on the emulated accounts.
struct Made: Equatable {
  var projects: [String] = []
  var environments: [String] = []
  var services: [String] = []
  var volumes: [String] = []
  var domains: [String] = []
  var proxies: [String] = []
  var vercel: [String] = []

  static let everything = Made(
    projects: ["shop"], environments: ["production"],
    services: ["Postgres", "Redis", "api", "shop-worker"],
    volumes: ["Postgres /var/lib/postgresql/data", "Redis /data", "api /data"],
    domains: ["api api.shop.localhost"], proxies: ["Postgres 5432", "Redis 6379", "shop-worker 7000"],
    vercel: ["web"])
}

/// A project that names everything, and a twin with empty accounts.
struct ProvisionStage {
  let project: GitProject
  let twin: TwinProcess

  static func with(_ play: (ProvisionStage) async throws -> Void) async throws {
    let project = try await GitProject.fromNothing()
    let twin = try await TwinProcess.start(for: project, seed: project.seed)
    do { try await play(ProvisionStage(project: project, twin: twin)) } catch {
      await twin.stop()
      throw error
    }
    await twin.stop()
  }

  /// With right records, and a ledger: what is killed is the deploy, not the making of the ledger's file.
  func settled() async throws {
    try await twin.control("POST", "dns", ["domain": "shop.localhost"])
    let plan = try await project.shipit("plan", "demo", variables: twin.variables)
    try #require(plan.code == 0, "\(plan.text)")
  }

  func deploy(_ more: [String: String] = [:]) async throws -> ShipitResult {
    try await project.shipit(
      "deploy", "demo", "--yes", variables: twin.variables.merging(more) { $1 }, timeout: .seconds(150))
  }

  func made() async throws -> Made {
    let railway = try await twin.control("GET", "state")
    let vercel = try await twin.control("GET", "vercel/state")
    func names(_ list: JSON?) -> [String] { (list?.array ?? []).compactMap(\.string).sorted() }
    var made = Made(
      projects: names(railway["projects"]), environments: names(railway["environments"]),
      volumes: names(railway["volumes"]))
    for service in railway["services"]?.array ?? [] {
      let name = service["service"]?.string ?? ""
      made.services.append(name)
      made.domains += names(service["domains"]).map { "\(name) \($0)" }
      made.proxies += (service["proxies"]?.array ?? []).compactMap(\.int).map { "\(name) \($0)" }
    }
    made.services.sort()
    made.proxies.sort()
    made.vercel = (vercel["projects"]?.array ?? []).compactMap { $0["name"]?.string }.sorted()
    return made
  }

  /// How many requests to make something each platform was sent.
  func creations() async throws -> [String: Int64] {
    let railway = try await twin.control("GET", "counts")["operations"]?.object ?? [:]
    let vercel = try await twin.control("GET", "vercel/counts")
    let both = railway.merging(vercel["operations"]?.object ?? vercel.object ?? [:]) { $1 }
    return both.filter {
      $0.key.contains("Create") || $0.key.contains("create") || $0.key.contains("Template")
    }
    .compactMapValues(\.int)
  }

  /// Both services and the front end answer with the newest commit, and the front end knows the API's address.
  func expectLive() async throws {
    let commit = try await project.git("rev-parse", "HEAD")
    let status = try await project.shipit(["status", "demo", "--json"], variables: twin.variables)
    let report = try JSON(parsing: Array(status.output.utf8))
    #expect(report["truth"]?.string == "released", "\(status.text)")
    let services = report["services"]?.array ?? []
    #expect(Set(services.compactMap { $0["service"]?.string }) == ["api", "worker", "web"], "\(status.text)")
    for service in services {
      #expect(service["commit"]?.string == commit, "\(service.serialized())")
      #expect(service["live"]?["matches"]?.bool == true, "\(service.serialized())")
    }
    func address(_ name: String) -> String {
      services.first { $0["service"]?.string == name }?["live"]?["address"]?.string
        ?? services.first { $0["service"]?.string == name }?["address"]?.string ?? ""
    }
    let front = try await twin.ask(address("web") + "/version.json")
    #expect(front["revision"]?.string == commit, "\(front.serialized())")
    let api = front["api"]?.string ?? ""
    #expect(try await twin.ask(api + "/health")["revision"]?.string == commit, "\(front.serialized())")
  }
}
