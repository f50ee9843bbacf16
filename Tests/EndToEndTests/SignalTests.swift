import Concurrency
import Foundation
import JSON
import Processes
import TestSupport
import Testing

/// Each signal that asks shipit to stop, and the second one, which does not ask (promise 7).
@Suite(.serialized, .timeLimit(.minutes(5))) struct SignalTests {
  /// A deploy whose gate never passes while its platform does not answer any more: it cannot end by itself.
  private func stuck(_ stage: KillStage, _ output: Locked<[String]>) async throws -> RunningProcess {
    try await stage.twin.control(
      "POST", "faults", ["deployment": "gate-never-passes", "service": "api", "count": 1])
    let known = try await stage.deployments().count
    try await stage.commit("stuck")
    let process = try Launcher().start(
      ProcessSpecification(
        Checkout.binary, ["deploy", "demo", "--yes"],
        environment: stage.project.variables.merging(stage.twin.variables) { $1 },
        directory: stage.project.path)
    ) { line in output.withLock { $0.append(line.text) } }
    while try await stage.deployments().count == known { try await Task.sleep(for: .milliseconds(20)) }
    try await stage.twin.control("POST", "faults", ["fault": "hang", "count": "always"])
    return process
  }

  @Test(arguments: [SIGHUP, SIGINT, SIGTERM])
  func whatCannotBeStoppedIsLeftInFlightAndTheLeaseGivenBack(_ signal: Int32) async throws {
    try await KillStage.with { stage in
      try stage.project.change("environments/demo.yaml", "within: 3s", "within: 60s")
      try await stage.deploy("first", expecting: 0)
      let output = Locked<[String]>([])
      let process = try await stuck(stage, output)
      let began = ContinuousClock.now
      process.signal(signal)
      let exit = await process.wait()
      let took = ContinuousClock.now - began
      let said = output.withLock { $0.joined(separator: "\n") }
      // A deployment that may still go live: nobody can promise that the previous one stays.
      #expect(exit == .code(8), "\(exit) \(said)")
      #expect(took < .seconds(Checkout.isLong ? 6.5 : 7.5), "out after \(took)")
      #expect(said.contains("in flight") && said.contains("deploy api"), "\(said)")
      try await stage.twin.control("DELETE", "faults")
      let status = try await stage.status(offline: true)
      #expect(status["lease"]?["holder"] == nil, "\(status.serialized())")
      #expect(status["truth"]?.string == "in-flight", "\(status.serialized())")
      #expect(status["running"]?["open"]?.array?.map(\.string) == ["deploy api"], "\(status.serialized())")
      let settled = try await stage.project.shipit("settle", "demo", variables: stage.twin.variables)
      #expect(settled.code == 0 && settled.output.contains("abandoned"), "\(settled.text)")
      #expect(try await stage.shipit("deploy").code == 0)
    }
  }

  @Test func aSecondSignalIsTheEndAtOnce() async throws {
    try await KillStage.with { stage in
      try stage.project.change("environments/demo.yaml", "within: 3s", "within: 60s")
      try await stage.deploy("first", expecting: 0)
      let output = Locked<[String]>([])
      let process = try await stuck(stage, output)
      process.signal(SIGINT)
      while !output.withLock({ $0.contains { $0.contains("interrupted") } }) {
        try await Task.sleep(for: .milliseconds(5))
      }
      let began = ContinuousClock.now
      process.signal(SIGTERM)
      #expect(await process.wait() == .code(143))
      let took = ContinuousClock.now - began
      print("out \(took) after the second signal")
      // The promise is 0.3 s; a busy machine takes its own time to start and end processes.
      #expect(took < .seconds(Checkout.isLong ? 0.3 : 2))
      try await stage.twin.control("DELETE", "faults")
      let status = try await stage.status(offline: true)
      #expect(status["lease"]?["holder"] == nil, "the kernel tells that its holder is gone")
      #expect(status["truth"]?.string == "in-flight", "\(status.serialized())")
      let settled = try await stage.project.shipit("settle", "demo", variables: stage.twin.variables)
      #expect(settled.code == 0, "\(settled.text)")
    }
  }
}
