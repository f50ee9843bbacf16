import Concurrency
import Foundation
import JSON
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

  /// The first version of a rollout at 10 %, with all that a record can hold.
  static func rollout(_ key: String = "new-checkout", version: Int = 1, at: Timestamp) -> RolloutRecord {
    let steps = [10.0, 25, 100].compactMap { FlagShare(percent: $0) }
    var record = RolloutRecord(
      key: key, environment: "prod", app: "shop", release: 7, commit: "c0ffee", digest: "d1", steps: steps,
      by: "ann@laptop", startedAt: at)
    record.version = version
    record.status = .running
    record.share = steps[0]
    record.stepStartedAt = at
    record.lastTickAt = at + .seconds(300)
    record.progress = ["credit": [300, 0], "note": "Ünïcode \"quoted\""]
    record.credit = .milliseconds(300_500)
    record.bake = .seconds(14_400)
    var metric = RolloutMetric(state: "running")
    metric.add(
      RolloutReading(at: at + .seconds(300), value: 97.25, samples: 812, outcome: "pass", isFilled: true))
    metric.add(
      RolloutReading(at: at + .seconds(600), value: nil, samples: nil, outcome: "nodata", reason: "empty"))
    record.metrics = ["success": metric]
    record.flag = FlagState(
      key: key, isOn: true, share: steps[0],
      draw: FlagDraw(contextKind: "user", salt: "9f", order: ["on", "off"]),
      variations: [FlagVariation(id: "a", value: true), FlagVariation(id: "b", value: false)], wanted: 0,
      whenOff: 1, version: FlagVersion("12"), lastChange: FlagAuthor(name: "ann", at: at))
    record.intent = RolloutIntent(
      .raise, from: steps[0], to: steps[1], at: at, latestEffect: at + .seconds(15), by: "ci")
    record.pause = RolloutPause(why: "drift", since: at, by: "bo", reason: "serves 40 %")
    record.foreign = RolloutForeignChange(
      at: at, author: FlagAuthor(name: "bo", at: at), found: "serves 40 %")
    record.orders = [RolloutOrder(.pause, by: "bo", at: at, reason: "look first")]
    record.approvals = [RolloutApproval(share: steps[1], by: "bo", at: at, digest: "d1")]
    record.end = RolloutEnd(
      .metric, at: at, share: steps[0],
      evidence: RolloutEvidence(
        metric: "errors", value: 4.2, threshold: "> 2", window: .seconds(300), samples: 2500, at: at,
        query: "sum(rate(x[5m]))"))
    record.end?.took = .milliseconds(84)
    record.end?.cure = RolloutCure(until: at + .seconds(600))
    record.note("10 %", by: "ann@laptop", at: at)
    return record
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
