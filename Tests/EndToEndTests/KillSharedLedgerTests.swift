import Foundation
import JSON
import Model
import TestSupport
import Testing

/// shipit killed with SIGKILL at writes of its journal, and continued on another machine that shares the ledger
/// (promises 1, 2 and 4): what the remote has not heard of is recovered from the platforms' own markers.
///
/// A sample in `make test`; with `SHIPIT_LONG=1` each write of each shape once, on both kinds of ledger.
@Suite(.serialized, .timeLimit(.minutes(60))) struct KillSharedLedgerTests {
  enum Shape: String, CaseIterable, Sendable {
    case oneService, twoGated, threePlatforms, failing
  }

  struct Case: CustomStringConvertible, Sendable {
    var place: SharedStage.Place
    var shape: Shape
    var description: String { "\(shape.rawValue) on \(place.rawValue)" }

    static let all = SharedStage.Place.allCases.flatMap { place in
      Shape.allCases.map { Case(place: place, shape: $0) }
    }
    static let sample = [
      Case(place: .git, shape: .twoGated), Case(place: .postgres, shape: .failing),
    ]
  }

  @Test(arguments: Checkout.isLong ? Case.all : Case.sample)
  func aKilledDeployIsContinuedOnAnotherMachine(_ wanted: Case) async throws {
    guard let shim = try await KillShim.build() else {
      print("skipped: no C compiler to build the library that kills at a write")
      return
    }
    let project = wanted.shape == .threePlatforms ? try await GitProject.threePlatforms() : nil
    try await SharedStage.with(
      wanted.place, project, change: { try shape($0, wanted.shape) }
    ) { stage in
      var good = try await stage.ann.git("rev-parse", "HEAD")
      var result = try await stage.shipit(stage.ann, "deploy", "demo", "--yes")
      try #require(result.code == 0, "\(result.text)")
      if wanted.shape == .failing {
        try stage.ann.change("app/server.py", "HEALTHY = True", "HEALTHY = ROLE != \"web\"")
      }
      try await stage.ann.commit("count")
      result = try await stage.shipit(stage.ann, "deploy", "demo", "--yes", extra: shim.variables(at: 0))
      try #require(result.code == (wanted.shape == .failing ? 7 : 0), "\(result.text)")
      let writes = try shim.count()
      try #require(writes > 8, "only \(writes) writes were seen")
      print("\(wanted): a deploy makes \(writes) writes of its journal")
      if wanted.shape != .failing { good = try await stage.ann.git("rev-parse", "HEAD") }
      for place in KillPlace.once(to: writes, sample: 1) {
        if wanted.shape == .failing {
          try await killFailing(place, good, stage, shim)
        } else {
          good = try await kill(place, good, stage, shim, isThree: wanted.shape == .threePlatforms)
        }
      }
    }
  }

  private func shape(_ project: GitProject, _ shape: Shape) throws {
    switch shape {
    case .oneService:
      let text = try project.scratch.read("project/environments/demo.yaml")
      let web = try #require(text.range(of: "  web:\n"))
      let run = try #require(text.range(of: "run:\n"))
      var alone = text
      alone.replaceSubrange(web.lowerBound..<run.lowerBound, with: "\n")
      try project.write(
        alone.replacingOccurrences(of: "services.web.url", with: "services.api.url")
          .replacingOccurrences(of: ", json: {status: ok}", with: ""),
        to: "environments/demo.yaml")
    case .failing: try project.change("environments/demo.yaml", "within: 4s", "within: 6s")
    case .twoGated, .threePlatforms: break
    }
  }

  /// - Returns: the commit that is live now.
  private func kill(
    _ place: KillPlace, _ old: String, _ stage: SharedStage, _ shim: KillShim, isThree: Bool
  ) async throws -> String {
    let commit = try await stage.ann.commit("a deploy \(place)")
    let known = isThree ? try await three(stage).everyDeployment() : []
    let killed = try await stage.shipit(
      stage.ann, "deploy", "demo", "--yes", extra: shim.variables(at: place.write, when: place.when.rawValue))
    try #require(killed.code == 137 || killed.code == 0, "\(place): \(killed.code) \(killed.text)")
    try await stage.update()

    // Bo knows what the remote knows: whatever it is, he is told of no release that is not whole.
    let status = try await stage.status(stage.bo)
    let truth = status["truth"]?.string ?? ""
    #expect(["released", "in-flight", "running"].contains(truth), "\(place): \(status.serialized())")
    if truth == "released" {
      let recorded = status["release"]?["commit"]?.string ?? ""
      #expect([old, commit].contains(recorded), "\(place): \(status.serialized())")
    }

    var again = try await stage.deployAfterKill(stage.bo)
    if isThree, again.code == 8 {
      // Of a rollout that Encore lists nowhere nothing can be known: that is said, and a person decides.
      #expect(again.text.contains("it is not known whether Encore rolls"), "\(place): \(again.text)")
      again = try await stage.shipit(stage.bo, "deploy", "demo", "--yes")
    }
    #expect(again.code == 0, "\(place), then continued by Bo: \(again.code) \(again.text)")
    if isThree {
      let made = try await three(stage).everyDeployment().subtracting(known)
      let byPlatform = Dictionary(grouping: made) { "\($0.platform) \($0.trigger)" }.mapValues(\.count)
      #expect(
        byPlatform == ["railway upload": 1, "encore api": 1, "vercel cli": 1], "\(place): \(byPlatform)")
    } else {
      let made = try await stage.made(of: commit)
      #expect(made.values.allSatisfy { $0 == 1 }, "\(place): \(made)")
      #expect(!made.isEmpty && made.keys.allSatisfy { $0.hasSuffix(" upload") }, "\(place): \(made)")
    }
    for project in [stage.ann, stage.bo] {
      let end = try await stage.status(project)
      #expect(end["truth"]?.string == "released", "\(place): \(end.serialized())")
      #expect(end["release"]?["commit"]?.string == commit, "\(place): \(end.serialized())")
      #expect(end["lease"]?.string == nil, "\(place): \(end.serialized())")
    }
    return commit
  }

  private func killFailing(
    _ place: KillPlace, _ good: String, _ stage: SharedStage, _ shim: KillShim
  ) async throws {
    let commit = try await stage.ann.commit("a failing deploy \(place)")
    let killed = try await stage.shipit(
      stage.ann, "deploy", "demo", "--yes", extra: shim.variables(at: place.write, when: place.when.rawValue))
    try #require(killed.code == 137 || killed.code == 7, "\(place): \(killed.code) \(killed.text)")
    try await stage.update()
    let between = try await stage.status(stage.bo)
    #expect(
      ["released", "previous", "in-flight", "running"].contains(between["truth"]?.string),
      "\(place): \(between.serialized())")
    let again = try await stage.deployAfterKill(stage.bo)
    // 12: everything had been put back and recorded, and the commit is refused.
    #expect(
      again.code == 7 || again.code == 12, "\(place), then continued by Bo: \(again.code) \(again.text)")
    let made = try await stage.made(of: commit)
    #expect(made == ["api upload": 1, "web upload": 1], "\(place): \(made)")
    let end = try await stage.status(stage.ann)
    #expect(end["truth"]?.string == "previous", "\(place): \(end.serialized())")
    #expect(end["release"]?["commit"]?.string == good, "\(place): \(end.serialized())")
  }

  /// The three platforms as the kill tests on one machine look at them.
  private func three(_ stage: SharedStage) throws -> KillStage {
    KillStage(project: stage.ann, twin: stage.twin, shim: KillShim(scratch: stage.ann.scratch, library: ""))
  }
}
