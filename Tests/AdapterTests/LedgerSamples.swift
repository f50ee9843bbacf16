import Concurrency
import Foundation
import Ledgers
import Model

/// A clock that stands still until a test moves it.
final class StillClock: TimeSource {
  private let moment = Locked(Timestamp(milliseconds: 1_800_000_000_000))

  var now: Timestamp { moment.withLock { $0 } }
  func advance(by duration: Duration) { moment.withLock { $0 = $0 + duration } }
  func sleep(until moment: Timestamp) async throws { self.moment.withLock { $0 = max($0, moment) } }
}

/// A directory that goes with the test.
final class Scratch: Sendable {
  let path: String

  init(_ name: String = "shipit") throws {
    // Resolved, for git and getcwd give the real path.
    let base = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
    path = "\(base)/\(name)-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    try? FileManager.default.removeItem(atPath: path)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

  func write(_ name: String, _ data: Data) throws {
    let file = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    // Foundation waits for the disk with every file; thousands of them took half a minute.
    guard let stream = fopen(file.path, "w") else { throw CocoaError(.fileWriteUnknown) }
    defer { fclose(stream) }
    _ = data.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, stream) }
  }

  func read(_ name: String) -> Data? { FileManager.default.contents(atPath: path + "/" + name) }

  func mode(_ name: String) -> Int? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path + "/" + name)
    return (attributes?[.posixPermissions] as? NSNumber)?.intValue
  }
}

/// Runs `body` and gives the failure it throws; nil when it throws none.
func failure<Value>(_ body: () async throws -> Value) async -> Failure? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? Failure
  }
}

enum Sample {
  static func holder(_ name: String, process: Int32 = 4242) -> Holder {
    Holder(name: "\(name)@laptop", purpose: "deploy 1a2b3c4", process: process, nonce: "nonce-of-\(name)")
  }

  static func plan(_ commit: String = "c0ffee") -> Plan {
    Plan(
      kind: .deploy, app: "shop", environment: "prod", commit: commit, subject: "Ünïcode \"subject\"\n",
      steps: [
        Step(
          id: "tests", title: "run tests", action: .command(CommandStep(name: "tests", command: ["true"])),
          limit: .milliseconds(1500), isRepeatable: true)
      ], deadline: .seconds(60), digest: "d1")
  }

  static func entries(_ numbers: ClosedRange<Int>, at: Timestamp) -> [JournalEntry] {
    numbers.map { number in
      JournalEntry(
        sequence: number, at: at, fact: .began("tests", attempt: number, latestEffect: at + .seconds(9)))
    }
  }

  static func result(_ state: RunResult.State = .released) -> RunResult {
    RunResult(
      state: state, exit: state == .released ? .done : .failedClean,
      failure: state == .released ? nil : Failure(.failed, "no", hint: "yes"), exposure: ["api": 1200])
  }

  static func release(of run: RunRecord, _ result: RunResult = result(), endedAt: Timestamp) -> Release {
    Release(
      number: run.release, run: run.id, kind: run.plan.kind, app: "shop", environment: "prod",
      commit: run.plan.commit, subject: run.plan.subject, isDirty: false, by: run.by,
      startedAt: run.startedAt, endedAt: endedAt, result: result, configurationDigest: "d1", services: [:])
  }
}
