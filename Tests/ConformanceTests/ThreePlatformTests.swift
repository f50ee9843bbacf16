import Concurrency
import Engine
import Foundation
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// One release over three platforms: whatever goes wrong on any two of them, it ends all new, all old, or with
/// the exact list of what is not.
@Suite("Three platforms", .timeLimit(.minutes(10)))
struct ThreePlatformTests {
  /// One row: what goes wrong on Railway, Encore and Vercel; nil: nothing.
  struct Row: Sendable, CustomTestStringConvertible {
    var troubles: [WorldTrouble?]

    var testDescription: String {
      zip(ThreeWorld.services, troubles).map { "\($0): \($1.map { "\($0)" } ?? "well")" }.joined(
        separator: ", ")
    }
  }

  /// Every pair of troubles on every pair of platforms stands in one row: a Latin square.
  static let rows: [Row] = {
    let kinds: [WorldTrouble?] = [
      nil, .loseAnswer, .slow, .stuck, .buildFails, .rateLimited, .foreignDeployment,
    ]
    return kinds.indices.flatMap { first in
      kinds.indices.map { second in
        Row(troubles: [kinds[first], kinds[second], kinds[(first + second) % kinds.count]])
      }
    }
  }()

  /// All of them with `SHIPIT_LONG=1`, else a quarter, which still has every trouble on every platform.
  static let sample = rows.enumerated().filter { Checkout.isLong || $0.offset % 4 == 0 }.map(\.element)

  @Test("pairs of troubles end all new, all old, or with the list of what is not", arguments: sample)
  func pairs(_ row: Row) async throws {
    try await ThreeWorld.live { world in
      let first = try await world.deploy(0).result
      try #require(first.exit == .done, "\(first.words)")
      for (service, trouble) in zip(ThreeWorld.services, row.troubles) {
        guard let trouble else { continue }
        #expect(try await world.world(service).arrange(trouble) == nil)
      }
      let (result, took) = try await world.deploy(1)
      var served: [ServiceName: String] = [:]
      for service in ThreeWorld.services {
        served[service] = Worlds.letter(await world.world(service).served())
        #expect(await world.world(service).made(of: Worlds.commits[1]) <= 1, "\(service) was deployed twice")
      }
      let foreign = Set(
        zip(ThreeWorld.services, row.troubles).filter { $1 == .foreignDeployment }.map(\.0))
      let ours = served.filter { !foreign.contains($0.key) }
      switch result.exit {
      case .done: #expect(served.values.allSatisfy { $0 == "B" }, "\(served)")
      case .failedClean, .deadline, .stale:
        // What somebody else put live is theirs: it is neither replaced nor called ours.
        #expect(ours.values.allSatisfy { $0 == "A" }, "\(served) \(result.words)")
      case .failedMixed:
        let unattended = result.result?.unattended ?? []
        #expect(!unattended.isEmpty || result.result?.state == .mixed, "\(result.words)")
        let known = Set(unattended.compactMap { $0.rawValue.split(separator: ".").first.map(String.init) })
          .union(try await world.moved(in: result))
        for (service, letter) in ours where letter != "A" {
          #expect(
            known.contains(service.rawValue),
            "\(service) serves \(letter), and nothing tells: \(result.words)")
        }
      default: Issue.record("unexpected: \(result.words)")
      }
      if result.exit != .done { #expect(result.shownFailure?.hint?.isEmpty == false, "\(result.words)") }
      // What is staged is seen by nobody before its promotion.
      if try await !world.begun("web.promote", in: result) {
        #expect(!world.seen.withLock { $0.contains(Worlds.commits[1]) }, "a staged deployment was served")
      }
      #expect(took <= .seconds(7200 + 1800))
      let told = world.told.withLock { $0 }
      for planted in [Worlds.token, Worlds.secret] { #expect(!told.contains(planted), "a secret was told") }
    }
  }

  @Test(
    "what somebody else puts live after its service's own watch is seen before the release is called live")
  func foreignAfterTheWatch() async throws {
    try await ThreeWorld.live { world in
      _ = try await world.deploy(0, watched: .seconds(20))
      _ = try await world.encore.arrange(.foreignDeployment)
      let result = try await world.deploy(1, watched: .seconds(120)).result
      #expect(result.exit == .stale, "\(result.words)")
      #expect(result.result?.failedStep == "jobs.confirm")
      #expect(Worlds.letter(await world.encore.served()) == "C", "what is somebody else's was replaced")
      #expect(Worlds.letter(await world.railway.served()) == "A")
      #expect(Worlds.letter(await world.vercel.served()) == "A")
      #expect(result.shownFailure?.hint?.isEmpty == false)
    }
  }

  @Test("a deploy lasts no longer than its critical path allows")
  func criticalPath() async throws {
    try await ThreeWorld.live { world in
      _ = try await world.deploy(0)
      for service in ThreeWorld.services { _ = try await world.world(service).arrange(.slow) }
      let (result, took) = try await world.deploy(1)
      try #require(result.exit == .done, "\(result.words)")
      let run = try #require(result.run)
      var began: [StepID: Timestamp] = [:]
      var lasted: [StepID: Duration] = [:]
      for entry in await world.ledger.journal(of: run.id) {
        switch entry.fact {
        case .began(let id, _, _): began[id] = began[id] ?? entry.at
        case .ended(let id, _, .done): lasted[id] = began[id].map { entry.at - $0 }
        default: break
        }
      }
      var ends: [StepID: Duration] = [:]
      for step in run.plan.steps {
        let start = step.needs.compactMap { ends[$0] }.max() ?? .zero
        ends[step.id] = start + (lasted[step.id] ?? .zero)
      }
      let critical = ends.values.max() ?? .zero
      print(
        "whole deploy \(took.components.seconds) s, critical path \(critical.components.seconds) s, ratio \(took / critical)"
      )
      #expect(lasted["api.deploy"] ?? .zero > .seconds(60) && lasted["web.deploy"] ?? .zero > .seconds(60))
      #expect(took <= critical * 1.1, "\(took) against \(critical)")
    }
  }
}
