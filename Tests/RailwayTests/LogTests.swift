import Concurrency
import JSON
import Model
import TestSupport
import Testing

@testable import Railway
@testable import Twin

/// Logs that come in pieces, late, twice or not at all never lose or double a line (contract railway §13.1).
@Suite struct LogTests {
  typealias Bench = TwinConformanceTests.Bench

  private func deployed(_ bench: Bench) async throws -> String {
    guard
      case .done(let result) = await bench.deploy(
        .directory(path: ".", root: nil, include: []), commit: TwinConformanceTests.first),
      let id = result.externalID
    else { throw Failure(.failed, "the service was not deployed") }
    return id
  }

  private func say(_ bench: Bench, _ id: String, _ lines: [String]) async {
    bench.clock.advance(by: .seconds(3))
    await bench.core.change { world in
      let now = world.now
      world.deployments[id]?.logs += lines.map {
        Twin.Deployment.LogLine(time: now, severity: "info", message: $0)
      }
    }
  }

  @Test func anAnswerThatBreaksOffIsAskedForAgain() async throws {
    let bench = try Bench()
    let id = try await deployed(bench)
    await say(bench, id, (0..<40).map { "line \($0)" })
    try await bench.behave(["operation": "ShipitDeploymentLogs", "fault": "tear", "count": 2])
    let lines = try await bench.platform.logs(
      LogQuery(target: bench.target("api"), deployment: id, limit: 100))
    #expect(lines.map(\.text).filter { $0.hasPrefix("line") } == (0..<40).map { "line \($0)" })
    #expect(await bench.core.count(of: "ShipitDeploymentLogs") >= 3)
  }

  @Test func whoFollowsHearsEachLineOnceHoweverOftenAnswersBreakOff() async throws {
    let bench = try Bench()
    let id = try await deployed(bench)
    let heard = Locked<[String]>([])
    var follower = LogFollower(client: bench.platform.client, deployment: id) { report in
      if case .log(let text) = report { heard.withLock { $0.append(text) } }
    }
    var said: [String] = []
    for round in 0..<4 {
      // The same text twice in one moment is one line; at another moment it is another.
      await say(bench, id, ["round \(round)", "tick"])
      said += ["round \(round)", "tick"]
      if round == 1 {
        try await bench.behave(["operation": "ShipitDeploymentLogs", "fault": "tear", "count": 2])
      }
      await follower.advance(.live)
    }
    await follower.finish()
    #expect(heard.withLock { $0.filter { $0.hasPrefix("round") || $0 == "tick" } } == said)
  }
}
