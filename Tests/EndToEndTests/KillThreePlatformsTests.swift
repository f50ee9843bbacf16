import JSON
import TestSupport
import Testing

/// shipit killed with SIGKILL at each write of its journal once, while it deploys one product over Railway, Encore
/// and Vercel, then run again (promises 1, 2 and 4).
///
/// A sample in `make test`, every write with `SHIPIT_LONG=1`.
@Suite(.serialized) struct KillThreePlatformsTests {
  @Test(.timeLimit(.minutes(60)))
  func aKilledDeployOverThreePlatformsIsContinuedOnEach() async throws {
    try await KillStage.with(GitProject.threePlatforms()) { stage in
      var live = try await stage.deploy("first", expecting: 0)
      let writes = try await stage.count(expecting: 0) { live = try await stage.commit("count") }
      try #require(writes > 30, "only \(writes) writes were seen")
      print("a deploy over three platforms makes \(writes) writes")
      for place in KillPlace.once(to: writes, sample: 3) { live = try await kill(place, live, stage) }
    }
  }

  /// - Parameter old: the commit that is live at all three.
  /// - Returns: the commit that is now.
  private func kill(_ place: KillPlace, _ old: String, _ stage: KillStage) async throws -> String {
    let commit = try await stage.commit("a deploy \(place)")
    let known = try await stage.everyDeployment()
    try await stage.killed(at: place, "deploy", unless: 0)

    let status = try await stage.status(offline: true)
    let truth = status["truth"]?.string
    if truth == "released" {
      let recorded = status["release"]?["commit"]?.string ?? ""
      #expect([old, commit].contains(recorded), "\(place): \(status.serialized())")
      let served = try await stage.served()
      #expect(
        served == Served(everywhere: recorded), "\(place): status says \(recorded) is live, served: \(served)"
      )
    } else {
      #expect(truth == "in-flight", "\(place): status says \(truth ?? "nothing")")
      let moved = (status["running"]?["moved"]?.array ?? []).compactMap {
        $0.string?.split(separator: " ").last.map(String.init)
      }
      // Encore's traffic is old and new mixed for a while after its rollout, so it is asked until it is new.
      var served = try await stage.served()
      let limit = ContinuousClock.now + .seconds(20)
      while !moved.allSatisfy({ served[$0] == commit }), ContinuousClock.now < limit {
        served = try await stage.served()
      }
      #expect(moved.allSatisfy { served[$0] == commit }, "\(place): \(moved) are said to be live: \(served)")
    }

    var again = try await stage.shipit("deploy")
    if again.code == 8 {
      // Had it been asked for, it would have shown: 8 is for what nobody can know, not for what was not looked for.
      let made = try await stage.everyDeployment().subtracting(known)
      #expect(!made.contains { $0.platform == "encore" }, "\(place): \(made)")
      try await expectExactList(again, place, stage, old: old, new: commit)
      print("\(place): exit 8 and the exact list, then continued")
      // What the message says to do once somebody has looked at the dashboard.
      again = try await stage.shipit("deploy")
    }
    #expect(again.code == 0, "\(place), then run again: \(again.code) \(again.text)")
    let made = try await stage.everyDeployment().subtracting(known)
    let byPlatform = Dictionary(grouping: made) { "\($0.platform) \($0.trigger)" }.mapValues(\.count)
    #expect(byPlatform == ["railway upload": 1, "encore api": 1, "vercel cli": 1], "\(place): \(byPlatform)")
    let served = try await stage.served()
    #expect(served == Served(everywhere: commit), "\(place): at the end \(served)")
    let end = try await stage.status(offline: true)
    #expect(end["truth"]?.string == "released", "\(place): \(end.serialized())")
    #expect(end["release"]?["commit"]?.string == commit, "\(place): \(end.serialized())")
    return commit
  }

  /// Killed between its begin and its request, a rollout is one of which nothing can be known: Encore lists none.
  /// That alone may end with 8, and then everything is named as it is.
  private func expectExactList(
    _ result: ShipitResult, _ place: KillPlace, _ stage: KillStage, old: String, new: String
  ) async throws {
    #expect(
      result.text.contains("it is not known whether Encore rolls \(new.prefix(7)) out"), "\(result.text)")
    #expect(result.text.contains("run the command again"), "\(place): \(result.text)")
    let status = try await stage.status(offline: true)
    let running = status["running"]
    #expect(status["truth"]?.string == "in-flight", "\(place): \(status.serialized())")
    #expect(running?["open"]?.array?.map(\.string) == ["deploy jobs"], "\(place): \(status.serialized())")
    #expect(running?["moved"]?.array?.map(\.string) == ["deploy api"], "\(place): \(status.serialized())")
    let served = try await stage.served()
    #expect(served == ["api": new, "jobs": old, "web": old], "\(place): \(served)")
  }
}

/// The revision that users get, by service.
typealias Served = [String: String]

extension Served {
  init(everywhere commit: String) { self = ["api": commit, "jobs": commit, "web": commit] }
}

/// A deployment or rollout as the twin's control surface lists it.
struct EveryDeployment: Hashable {
  var platform: String
  var id: String
  /// Who made it, in the platform's word.
  var trigger: String
}

extension KillStage {
  /// What every platform has made so far.
  func everyDeployment() async throws -> Set<EveryDeployment> {
    func list(_ platform: String, _ path: String, _ key: String, _ id: String, _ trigger: String) async throws
      -> [EveryDeployment]
    {
      (try await twin.control("GET", path)[key]?.array ?? []).map {
        EveryDeployment(
          platform: platform, id: $0[id]?.string ?? "", trigger: $0[trigger]?.string ?? "")
      }
    }
    return try await Set(
      list("railway", "state", "deployments", "id", "trigger")
        + list("encore", "encore/state", "rollouts", "rollout", "trigger")
        + list("vercel", "vercel/state", "deployments", "id", "source"))
  }

  /// What the public addresses answer with.
  func served() async throws -> Served {
    let status = try await status()
    let places = [
      "api": ("/health", ["revision"]), "jobs": ("/__encore/healthz", ["details", "app_revision"]),
      "web": ("/version.json", ["revision"]),
    ]
    var served: Served = [:]
    for line in status["services"]?.array ?? [] {
      guard let name = line["service"]?.string, let (path, keys) = places[name] else { continue }
      let address = try #require(line["address"]?.string, "\(name) has no address")
      let answer = try await twin.ask(address + path)
      served[name] = keys.reduce(answer) { $0[$1] ?? .null }.string
    }
    return served
  }
}
