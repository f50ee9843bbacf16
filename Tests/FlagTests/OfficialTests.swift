import Concurrency
import Flags
import Foundation
import HTTP
import HTTPServer
import JSON
import Model
import Processes
import TestSupport
import Testing
import Twin

/// Where what is not ours is found.
enum Official {
  static let root = Checkout.root

  /// The interpreter that has the official SDKs.
  static let python: String? =
    FileManager.default.fileExists(atPath: root + "/build/venv/stamp") ? root + "/build/venv/bin/python" : nil

  static let contracts =
    ProcessInfo.processInfo.environment["SHIPIT_CONTRACTS"] ?? root + "/../shared/contracts"
}

/// What evaluators that are not ours make of the flags that shipit writes.
@Suite(
  .enabled(
    if: Official.python != nil, "build/venv with the official SDKs is not complete (make setup)"))
struct OfficialTests {
  /// Runs a script of `Tests/FlagTests/Official` and gives back the JSON that it prints.
  final class Oracle: Sendable {
    private let script: String
    private let arguments: [String]

    init(_ script: String, _ arguments: [String]) {
      self.script = script
      self.arguments = arguments
    }

    func ask() async throws -> JSON {
      let result = try await Launcher().run(
        ProcessSpecification(
          Official.python ?? "", [Official.root + "/Tests/FlagTests/Official/" + script] + arguments,
          environment: ["PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"]), timeout: .seconds(120))
      let text = String(decoding: result.output, as: UTF8.self)
      guard let value = try? JSON(parsing: text.utf8) else {
        throw Failure(
          .failed, "\(script) said no JSON: \(text)\(String(decoding: result.errorOutput, as: UTF8.self))")
      }
      return value
    }
  }

  static let contexts = 10_000

  private func expectShare(_ percent: Double, _ inside: Set<String>) {
    #expect(
      abs(Double(inside.count) / Double(Self.contexts) * 100 - percent) <= 1,
      "\(inside.count) at \(percent) %")
  }

  private func names(_ value: JSON) throws -> Set<String> {
    Set(try #require(value["in"]?.array).compactMap(\.string))
  }

  private func vectors(_ place: String) -> [JSON]? {
    FileManager.default.contents(atPath: Official.contracts + place).flatMap { try? JSON(parsing: $0) }?[
      "vectors"]?.array
  }

  // MARK: LaunchDarkly

  @Test(.timeLimit(.minutes(5)), arguments: ["stream", "poll"])
  func `LaunchDarkly's SDK serves each step to as many, and to the same`(_ mode: String) async throws {
    try await withTwin { flag, url in
      var before: Set<String> = []
      // How it is told does not change who is in: one step is enough for the second way.
      for percent in mode == "poll" ? [25.0] : [10.0, 25, 50, 100] {
        let state = try await flag.set(share(percent), expected: try await flag.read(), note: FlagWorld.note)
        let answer = try await Oracle("evaluate_by_sdk.py", [url, "sdk-1", mode, String(Self.contexts)])
          .ask()
        let inside = try names(answer)
        if percent != 50 { expectShare(percent, inside) }
        #expect(before.subtracting(inside).count == 0, "nobody loses it at \(percent) %")
        #expect(answer["version"]?.int.map(String.init) == state.version.text)
        before = inside
        guard percent < 100, let vectors = vectors("/launchdarkly/bucketing-vectors.json") else { continue }
        for vector in vectors
        where vector["flagKey"] == "new-checkout" && vector["salt"] == "9f1c2d" && vector["seed"] == nil
          && vector["contextKey"]?.string?.hasPrefix("user-") == true
        {
          let (key, wanted) = (vector["contextKey"]?.string ?? "", vector["at\(Int(percent))"]?.bool)
          #expect(inside.contains(key) == wanted, "\(key) at \(percent) %")
        }
      }
      _ = try await flag.off(known: nil, note: FlagWorld.note)
      #expect(try names(try await Oracle("evaluate_by_sdk.py", [url, "sdk-1", mode, "1000"]).ask()).isEmpty)
      // Its events made the flag known as used.
      #expect(try await flag.read().lastEvaluated != nil)
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `LaunchDarkly's own API client reads the state that was written`() async throws {
    try await withTwin { flag, url in
      let state = try await flag.set(share(25), expected: try await flag.read(), note: FlagWorld.note)
      let answer = try await Oracle("read_by_api_client.py", [url, "api-read"]).ask()
      #expect(answer["on"] == true)
      #expect(answer["version"]?.int.map(String.init) == state.version.text)
      #expect(
        answer["weights"] == [["variation": 0, "weight": 25_000], ["variation": 1, "weight": 75_000]])
      #expect(answer["kind"] == .string(state.draw.contextKind))
      #expect(answer["salt"]?.string == state.draw.salt)
      #expect(answer["comment"] == .string("\(FlagWorld.note.marker): \(FlagWorld.note.text)"))
    }
  }

  private func withTwin(_ body: (LaunchDarklyFlag, String) async throws -> Void) async throws {
    let bench = try LaunchDarklyBench()
    let server = try HTTPServer(port: 0, bodyLimit: 1 << 20) { request in
      await bench.twin.answer(request, patience: nil)
    }
    let url = "http://127.0.0.1:\(server.port)"
    let flag = LaunchDarklyFlag(
      LaunchDarklyTarget(
        url: url, project: "shop", environment: "production", flag: "new-checkout", token: Sensitive("api-ci")
      ),
      serve: true, http: HTTPClient(), clock: SystemClock(), version: "0")
    let result: Result<Void, any Error>
    do { result = .success(try await body(flag, url)) } catch { result = .failure(error) }
    await bench.twin.stop()
    await server.shutDown()
    try result.get()
  }

  // MARK: flagd

  @Test(.timeLimit(.minutes(5)))
  func `The provider of OpenFeature serves each step of the file to as many, and to the same`() async throws {
    let directory = try ScratchDirectory()
    try directory.write(FlagdTests.file, to: "flags.json")
    let path = directory.path + "/flags.json"
    let flag = FlagdFile(path: path, key: "new-checkout", serve: true, clock: SystemClock())
    var before: Set<String> = []
    for percent in [10.0, 25, 50, 100] {
      _ = try await flag.set(share(percent), expected: try await flag.read(), note: FlagWorld.note)
      let inside = try names(
        try await Oracle("evaluate_by_provider.py", [path, String(Self.contexts)]).ask())
      if percent != 50 { expectShare(percent, inside) }
      #expect(before.subtracting(inside).count == 0, "nobody loses it at \(percent) %")
      before = inside
      guard percent < 100, let vectors = vectors("/flagd/fractional-vectors.json") else { continue }
      for vector in vectors {
        let key = vector["targetingKey"]?.string ?? ""
        #expect(
          inside.contains(key) == vector["G3"]?["shorthand@\(Int(percent))"]?.bool, "\(key) at \(percent) %")
      }
    }
    _ = try await flag.complete(expected: try await flag.read(), note: FlagWorld.note)
    let whole = try await Oracle("evaluate_by_provider.py", [path, "1000"]).ask()
    #expect(try names(whole).count == 1000)
    #expect(whole["without key"] == true)
    _ = try await flag.off(known: nil, note: FlagWorld.note)
    #expect(try names(try await Oracle("evaluate_by_provider.py", [path, "1000"]).ask()).isEmpty)
  }

  @Test(.timeLimit(.minutes(1)))
  func `The file fits flagd's schemas after each write`() async throws {
    try #require(
      FileManager.default.fileExists(atPath: Official.contracts + "/flagd/flags.json"),
      "no schemas of flagd: `make contracts` says how to get them")
    let directory = try ScratchDirectory()
    try directory.write(FlagdTests.file, to: "flags.json")
    let path = directory.path + "/flags.json"
    let flag = FlagdFile(path: path, key: "new-checkout", serve: true, clock: SystemClock())
    for percent in [10.0, 100] {
      _ = try await flag.set(share(percent), expected: try await flag.read(), note: FlagWorld.note)
      #expect(try await Oracle("check_schema.py", [Official.contracts + "/flagd", path]).ask() == [])
    }
    _ = try await flag.off(known: nil, note: FlagWorld.note)
    #expect(try await Oracle("check_schema.py", [Official.contracts + "/flagd", path]).ask() == [])
    // The check can fail.
    try directory.write(
      try directory.read("flags.json").replacingOccurrences(of: "ENABLED", with: "MAYBE"), to: "flags.json")
    #expect(try await Oracle("check_schema.py", [Official.contracts + "/flagd", path]).ask() != [])
  }
}
