import Concurrency
import Model
import Runner
import Testing
import Twin

/// What can go on at once does: a release over three platforms lasts as long as its longest chain of steps.
@Suite("Critical path", .timeLimit(.minutes(5)))
struct CriticalPathTests {
  @Test("a deploy of three services lasts no longer than its critical path allows")
  func threeServices() async throws {
    try await lastsItsCriticalPath(ReleaseWorld.Shape())
    try await lastsItsCriticalPath(ReleaseWorld.Shape(webReadsAPI: true))
  }

  @Test("a deploy of twelve services lasts no longer than its critical path allows")
  func twelveServices() async throws {
    try await lastsItsCriticalPath(ReleaseWorld.Shape(railway: 6, vercel: 5))
    try await lastsItsCriticalPath(ReleaseWorld.Shape(railway: 6, vercel: 5, webReadsAPI: true))
  }

  /// Every build takes more than a minute; what a step lasts is measured, what it needs is in the plan.
  private func lastsItsCriticalPath(_ shape: ReleaseWorld.Shape) async throws {
    let (path, took, result) = try await ReleaseWorld.live(shape) { world in
      _ = try await world.deploy(0)
      try await world.clock.sleep(for: .seconds(60))
      await world.railway.change { $0.durations = $0.durations.scaled(by: 1.0 / 20) }
      await world.encore.change { $0.durations = $0.durations.scaled(by: 1.0 / 20) }
      await world.vercel.change { world in
        world.durations.build = .seconds(120)
        world.durations.queue = .seconds(20)
        world.durations.switching = .seconds(30)
      }
      world.events.withLock { $0 = [] }
      let began = world.clock.now
      let result = try await world.deploy(1)
      let took = world.clock.now - began
      return (CriticalPath(of: result.plan, world.events.withLock { $0 }), took, result)
    }
    #expect(result.exit == .done, "\(result.words)")
    #expect(path.builds.count == shape.railway + shape.vercel + 1)
    #expect(path.builds.values.allSatisfy { $0 >= .seconds(60) }, "\(path.builds)")
    print(
      "critical path of \(path.builds.count) services\(shape.webReadsAPI ? ", the webs read api" : ""): "
        + "\(path.length.components.seconds) s; the whole deploy took \(took.components.seconds) s, "
        + "\(Int((took / path.length - 1) * 1000)) ‰ more: "
        + path.steps.map { "\($0.id) \($0.lasted.components.seconds)" }.joined(separator: " → "))
    #expect(took <= path.length * 1.1, "\(took) for a critical path of \(path.length)")
  }
}

/// The longest chain of steps of a run, by what the plan says they need and by how long they lasted.
struct CriticalPath: Sendable {
  private(set) var steps: [(id: StepID, lasted: Duration)] = []
  private(set) var length = Duration.zero
  /// How long each deploy step lasted.
  private(set) var builds: [StepID: Duration] = [:]

  init(of plan: Plan?, _ events: [RunEvent]) {
    var began: [StepID: Timestamp] = [:]
    var lasted: [StepID: Duration] = [:]
    for event in events {
      switch event.kind {
      case .stepBegan(let step, _): began[step.id] = began[step.id] ?? event.at
      case .stepEnded(let id, .done): lasted[id] = began[id].map { event.at - $0 }
      default: break
      }
    }
    // In an order in which every step comes after what it needs.
    var ends: [StepID: (at: Duration, after: StepID?)] = [:]
    for step in plan?.steps ?? [] {
      let last = step.needs.max { ends[$0]?.at ?? .zero < ends[$1]?.at ?? .zero }
      ends[step.id] = ((last.flatMap { ends[$0]?.at } ?? .zero) + (lasted[step.id] ?? .zero), last)
      if case .deploy = step.action { builds[step.id] = lasted[step.id] }
    }
    var next = ends.max { $0.value.at < $1.value.at }?.key
    length = next.flatMap { ends[$0]?.at } ?? .zero
    while let id = next {
      steps.insert((id, lasted[id] ?? .zero), at: 0)
      next = ends[id]?.after
    }
  }
}
