import Concurrency
import JSON
import Model
import Railway
import TestSupport
import Testing
import Twin

/// Copies of volumes, asked of the emulated platform.
@Suite struct VolumeTests {
  private func snapshot(
    _ bench: TwinConformanceTests.Bench, _ name: String, of service: String, within: Duration = .seconds(60)
  ) async throws(Failure) -> VolumeSnapshot {
    try await bench.platform.snapshot(
      name, of: service, in: bench.file, by: bench.clock.now + within, report: { _ in })
  }

  @Test func `one is made, waited for, and made once under its name`() async throws {
    let bench = try TwinConformanceTests.Bench()
    #expect(try await bench.platform.snapshots(of: "store", in: bench.file).isEmpty)
    let first = try await snapshot(bench, "prod-r1", of: "store")
    #expect(first.name == "prod-r1" && first.megabytes == 1)
    #expect(try await snapshot(bench, "prod-r1", of: "store") == first)
    let second = try await snapshot(bench, "prod-r2", of: "store")
    #expect(
      try await bench.platform.snapshots(of: "store", in: bench.file).map(\.id) == [second.id, first.id])
    #expect(await bench.core.count(of: "volumeInstanceBackupCreate") == 2)
  }

  @Test func `one whose answer was lost is found by its name, and not made twice`() async throws {
    let bench = try TwinConformanceTests.Bench()
    try await bench.behave(["fault": "problem-after", "operation": "ShipitBackupCreate"])
    let made = try await snapshot(bench, "prod-r1", of: "store")
    #expect(made.name == "prod-r1")
    #expect(await bench.core.count(of: "volumeInstanceBackupCreate") == 1)
  }

  @Test(arguments: [
    ("img", Failure.Kind.configuration, "img has no volume"),
    ("stroe", .configuration, "there is no Railway service"),
    ("full", .failed, "50%"),
  ])
  func `what cannot be copied is told before anything waits for it`(
    service: String, kind: Failure.Kind, words: String
  ) async throws {
    let bench = try TwinConformanceTests.Bench()
    let failure = await #expect(throws: Failure.self) { _ = try await snapshot(bench, "x", of: service) }
    #expect(failure?.kind == kind, "\(String(describing: failure))")
    #expect("\(failure.map { "\($0.message) \($0.cause ?? "") \($0.hint ?? "")" } ?? "")".contains(words))
  }

  @Test func `one that does not come in time is told by its name`() async throws {
    let bench = try TwinConformanceTests.Bench()
    let failure = await #expect(throws: Failure.self) {
      _ = try await snapshot(bench, "prod-r1", of: "store", within: .milliseconds(1))
    }
    #expect(failure?.kind == .timeout && failure?.cause?.contains("prod-r1") == true)
  }
}
