import Foundation
import JSON
import TestSupport
import Testing

/// shipit killed with SIGKILL at writes of its journal, then run again (promises 1, 2 and 4).
///
/// A sample in `make test`; with `SHIPIT_LONG=1` before and after every write of a healthy deploy, of a deploy
/// that fails and is put back, and of an explicit rollback.
@Suite(.serialized, .timeLimit(.minutes(Checkout.isLong ? 60 : 10))) struct KillSweepTests {
  @Test func aKilledDeployIsContinuedWithoutRepeatingAFinishedStep() async throws {
    try await KillStage.with { stage in
      try await stage.deploy("first", expecting: 0)
      // How many writes one deploy makes, told by the library itself.
      let writes = try await stage.count(expecting: 0) { try await stage.commit("count") }
      try #require(writes > 20, "only \(writes) writes were seen")
      for place in KillPlace.sweep(to: writes, sample: 5) { try await kill(place, stage) }
    }
  }

  private func kill(_ place: KillPlace, _ stage: KillStage) async throws {
    let commit = try await stage.commit("a deploy \(place)")
    let known = try await stage.deployments().map(\.id)
    // The number of heartbeats varies, so the last few writes may not be reached.
    try await stage.killed(at: place, "deploy", unless: 0)

    let status = try await stage.status(offline: true)
    let truth = status["truth"]?.string
    if truth == "released" {
      let isRecorded = status["release"]?["commit"]?.string == commit
      let isLive = try await stage.serves(commit)
      #expect(!isRecorded || isLive, "\(place): status says released, the platform does not")
    } else {
      #expect(truth == "in-flight", "\(place): status says \(truth ?? "nothing")")
    }

    let again = try await stage.shipit("deploy")
    #expect(again.code == 0, "\(place), then run again: \(again.text)")
    #expect(try await stage.serves(commit), "\(place): the new commit is not live at the end")
    let made = try await stage.made(since: Set(known))
    #expect(made == ["api upload": 1, "web upload": 1], "\(place): deployments made: \(made)")
    #expect(try await stage.status(offline: true)["truth"]?.string == "released", "\(place)")
  }

  @Test func aKilledDeployThatFailsIsStillPutBack() async throws {
    try await KillStage.with { stage in
      let good = try await stage.deploy("good", expecting: 0)
      try stage.project.change("app/server.py", "HEALTHY = True", "HEALTHY = ROLE != \"web\"")
      let writes = try await stage.count(expecting: 7) { try await stage.commit("bad") }
      try #require(writes > 20, "only \(writes) writes were seen")
      for place in KillPlace.sweep(to: writes, sample: 3) { try await killFailing(place, good, stage) }
    }
  }

  private func killFailing(_ place: KillPlace, _ good: String, _ stage: KillStage) async throws {
    try await stage.commit("a failing deploy \(place)")
    let known = try await stage.deployments().map(\.id)
    try await stage.killed(at: place, "deploy", unless: 7)

    let between = try await stage.status(offline: true)
    let truth = between["truth"]?.string
    // Not begun, in flight, or put back: never the new one, which is nowhere whole.
    #expect(
      ["released", "previous", "in-flight"].contains(truth), "\(place): status says \(truth ?? "nothing")")
    if truth == "released" || truth == "previous" {
      #expect(between["release"]?["commit"]?.string == good, "\(place): \(between.serialized())")
      #expect(try await stage.serves(good), "\(place): status says \(truth ?? ""), the platform does not")
    }

    let again = try await stage.shipit("deploy")
    // 12: everything had been put back and recorded, and the commit is refused.
    #expect(again.code == 7 || again.code == 12, "\(place), then run again: \(again.code) \(again.text)")
    let made = try await stage.made(since: Set(known))
    #expect(
      made == ["api upload": 1, "web upload": 1, "api rollback": 1], "\(place): deployments made: \(made)")
    let status = try await stage.status()
    #expect(status["truth"]?.string == "previous", "\(place): \(status.serialized())")
    for service in status["services"]?.array ?? [] {
      #expect(service["commit"]?.string == good, "\(place): \(service.serialized())")
      #expect(service["live"]?["matches"]?.bool == true, "\(place): \(service.serialized())")
    }
  }

  @Test func aKilledRollbackIsContinuedWithoutRestoringTwice() async throws {
    try await KillStage.with { stage in
      try await stage.deploy("first", expecting: 0)
      try await stage.deploy("second", expecting: 0)
      let writes = try await stage.count(expecting: 0, of: "rollback")
      try #require(writes > 15, "only \(writes) writes were seen")
      for place in KillPlace.sweep(to: writes, sample: 2) { try await killRollback(place, stage) }
    }
  }

  private func killRollback(_ place: KillPlace, _ stage: KillStage) async throws {
    try await stage.shipit("unhold")
    let old = try await stage.deploy("a rollback to before it, \(place)", expecting: 0)
    let number = try #require(try await stage.status(offline: true)["release"]?["release"]?.int)
    let new = try await stage.deploy("a rollback \(place)", expecting: 0)
    let known = try await stage.deployments().map(\.id)
    try await stage.killed(at: place, "rollback", unless: 0)

    let between = try await stage.status(offline: true)
    let truth = between["truth"]?.string
    if truth == "released" {
      let recorded = between["release"]?["commit"]?.string ?? ""
      #expect([old, new].contains(recorded), "\(place): \(between.serialized())")
      #expect(try await stage.serves(recorded), "\(place): status says \(recorded), the platform does not")
    } else {
      #expect(truth == "in-flight", "\(place): status says \(truth ?? "nothing")")
    }

    // Somebody on call types the same again. Where the first is recorded as done, another would go one further
    // back, so there the release is named.
    let again = try await stage.shipit("rollback", truth == "in-flight" ? [] : ["--to", "\(number)"])
    #expect(again.code == 0, "\(place), then run again: \(again.code) \(again.text)")
    let made = try await stage.made(since: Set(known))
    #expect(made == ["api rollback": 1, "web rollback": 1], "\(place): deployments made: \(made)")
    #expect(try await stage.serves(old), "\(place): the old commit is not live at the end")
    let status = try await stage.status()
    #expect(status["truth"]?.string == "released", "\(place): \(status.serialized())")
    #expect(status["restores"]?.int == number, "\(place): \(status.serialized())")
    #expect(
      status["hold"]?["reason"]?.string?.contains("release \(number)") == true, "\(place): no hold is left")
    for service in status["services"]?.array ?? [] {
      #expect(service["commit"]?.string == old, "\(place): \(service.serialized())")
      #expect(service["live"]?["matches"]?.bool == true, "\(place): \(service.serialized())")
    }
  }
}
