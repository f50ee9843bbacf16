import Concurrency
import Foundation
import HTTP
import JSON
import Ledgers
import Model
import Probing
import Redaction
import TestSupport

/// What the rooms take by themselves, as one JSON object, for `bench/run`.
///
///     RoomBench DIRECTORY     the ledger is made in a scratch directory there
///     RoomBench rollouts      simulated rollouts alone
@main enum RoomBench {
  static func main() async throws {
    if CommandLine.arguments.dropFirst().first == "rollouts" {
      print(SimulatedRollouts.all().serialized())
      return
    }
    let directory = CommandLine.arguments.dropFirst().first ?? "."
    var found: [String: JSON] = [:]
    found.merge(redaction()) { $1 }
    found["missesOfChunkings"] = .int(Int64(missesOfChunkings(100_000)))
    found.merge(await overshoot()) { $1 }
    found.merge(try await durability(in: directory)) { $1 }
    print(JSON.object(found).serialized())
  }

  // MARK: Redaction

  private static let characters = Array(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=-_.:@%!")

  private static func secrets(_ random: inout SplitMix) -> [(name: String, value: String)] {
    (0..<100).map { number in
      let count = Int.random(in: 20...60, using: &random)
      return (
        "SECRET_\(number)", String((0..<count).map { _ in characters.randomElement(using: &random) ?? "x" })
      )
    }
  }

  /// MB a second of the processor, over 128 MB of log in pieces of 64 KiB, a secret in every hundredth line; the median of five rounds.
  private static func redaction() -> [String: JSON] {
    var random = SplitMix(1)
    let secrets = secrets(&random)
    let redactor = Redactor(secrets: secrets)
    var text = ""
    var line = 0
    while text.utf8.count < 8 << 20 {
      line += 1
      let word = line % 100 == 0 ? secrets[line / 100 % 100].value : String(random.next(), radix: 36)
      text += "2026-08-21T10:00:00.000Z INFO  request \(line) GET /api/orders/\(word) 200 in 12 ms\n"
    }
    let bytes = Array(text.utf8)
    let pieces = stride(from: 0, to: bytes.count, by: 64 << 10).map {
      Array(bytes[$0..<min($0 + 64 << 10, bytes.count)])
    }
    let rates = (0..<5).map { _ -> Double in
      let began = processorSeconds
      var size = 0
      for _ in 0..<16 {
        var stream = RedactionStream(redactor)
        for piece in pieces { size += stream.feed(piece).count }
        size += stream.finish().count
      }
      precondition(size > 0)
      return Double(bytes.count * 16) / 1e6 / (processorSeconds - began)
    }
    return ["redactionMBs": .double(rates.sorted()[2])]
  }

  /// What RFC 3986 leaves as it is.
  private static let unreserved = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

  /// How many of so many random cuts of a text with secrets in every form let one through.
  private static func missesOfChunkings(_ rounds: Int) -> Int {
    var random = SplitMix(2)
    let secrets = secrets(&random)
    let redactor = Redactor(secrets: secrets)
    var misses = 0
    for _ in 0..<rounds {
      let value = secrets[Int.random(in: 0..<100, using: &random)].value
      let form: String =
        switch Int.random(in: 0..<3, using: &random) {
        case 0: value
        case 1: Data(value.utf8).base64EncodedString()
        default: value.addingPercentEncoding(withAllowedCharacters: unreserved) ?? value
        }
      let bytes = Array("key: \(String(random.next(), radix: 36)) \(form) and so on\n".utf8)
      var stream = RedactionStream(redactor)
      var out: [UInt8] = []
      var place = 0
      while place < bytes.count {
        let end = min(bytes.count, place + Int.random(in: 1...24, using: &random))
        out += stream.feed(Array(bytes[place..<end]))
        place = end
      }
      out += stream.finish()
      let safe = String(decoding: out, as: UTF8.self)
      if safe.contains(form) || safe.contains(value.prefix(12)) || !safe.contains("[secret SECRET_") {
        misses += 1
      }
    }
    return misses
  }

  // MARK: Health

  /// How long after the moment a service is ready its first good answer is seen, the mean over 400 moments a range,
  /// as a share of what is allowed: 5 % of the moment and 0.1 s.
  private static func overshoot() async -> [String: JSON] {
    var found: [String: JSON] = [:]
    for (name, range) in [
      ("2–10 s", 2000...10_000), ("10–60 s", 10_000...60_000), ("60–300 s", 60_000...300_000),
    ] {
      var over = 0.0
      var share = 0.0
      var random = SplitMix(3)
      for _ in 0..<400 {
        let ready = Int64.random(in: Int64(range.lowerBound)...Int64(range.upperBound), using: &random)
        let late = await lateness(ready)
        over += late
        share += late / (0.05 * Double(ready) / 1000 + 0.1)
      }
      found["overshoot \(name)"] = ["mean": .double(over / 400), "share": .double(share / 400)]
    }
    return ["overshoot": .object(found)]
  }

  private static func lateness(_ ready: Int64) async -> Double {
    let clock = ManualClock()
    let began = clock.now
    let seen = Locked<Timestamp?>(nil)
    let transport = ScriptedTransport { _ throws(HTTPError) in
      guard (clock.now - began).wholeMilliseconds >= ready else {
        throw HTTPError(code: .refused, message: "nothing listens", nothingSent: true)
      }
      seen.withLock { $0 = $0 ?? clock.now }
      return .text(200, "{\"version\": \"\(commit)\"}")
    }
    let prober = HealthProber(http: transport, clock: clock, platformState: { _, _ in nil })
    let health = Health(
      path: "/health", identity: .json("version"), within: .seconds(3600), steady: 1, grace: .seconds(3600),
      soak: .zero)
    let request = ProofRequest(
      target: ServiceTarget(service: "api", platform: .railway, name: "api", ids: [:]),
      address: "http://127.0.0.1:1", health: health, commit: commit, deployment: "d1")
    let step = Step(id: "api.prove", title: "prove api", action: .prove(request), limit: .seconds(3600))
    let call = StepCall(
      run: RunFacts(
        id: RunID(1), release: 1, app: "shop", environment: "prod", commit: commit, startedAt: began),
      attempt: 1,
      beganAt: began, deadline: began + .seconds(3600))
    _ = await prober.perform(step, call)
    let moment = seen.withLock { $0 } ?? clock.now
    return Double((moment - began).wholeMilliseconds - ready) / 1000
  }

  private static let commit = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"

  // MARK: The ledger

  /// One durable entry of the local ledger, against a write and an fdatasync beside it, in turn; medians in ms.
  private static func durability(in directory: String) async throws -> [String: JSON] {
    let root = directory + "/ledger-\(getpid())"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let clock = SystemClock()
    let ledger = try await LocalLedger.open(root: root, environment: "bench", time: clock)
    let lease = try await ledger.acquire(
      holder: Holder(name: "bench", purpose: "bench", process: getpid(), nonce: "bench"))
    let plan = Plan(
      kind: .deploy, app: "bench", environment: "bench", commit: commit, steps: [], deadline: .seconds(1800))
    let run = try await ledger.open(plan, by: "bench", at: clock.now, lease: lease)
    let file = open(root + "/floor", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    let line = Array(repeating: UInt8(ascii: "x"), count: 120)
    var ours: [Double] = []
    var floor: [Double] = []
    for number in 1...400 {
      floor.append(milliseconds { _ = write(file, line, line.count) + Int(fdatasync(file)) })
      let entry = JournalEntry(
        sequence: number, at: clock.now,
        fact: .began("step", attempt: 1, latestEffect: clock.now + .seconds(60)))
      let began = ContinuousClock.now
      try await ledger.append([entry], to: run.id, lease: lease)
      ours.append((ContinuousClock.now - began).inSeconds * 1000)
    }
    close(file)
    await ledger.release(lease)
    return ["durableEntryMs": .double(ours.sorted()[200]), "durableFloorMs": .double(floor.sorted()[200])]
  }

  /// What this process has used of the processors, which others on the machine do not change.
  private static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static func milliseconds(_ work: () -> Void) -> Double {
    let began = ContinuousClock.now
    work()
    return (ContinuousClock.now - began).inSeconds * 1000
  }
}

/// The same numbers on every machine.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
