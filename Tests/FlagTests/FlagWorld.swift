import Concurrency
import Flags
import Foundation
import HTTP
import HTTPServer
import JSON
import Model
import TestSupport
import Testing
import Twin

/// One flag in one of the stores, and somebody else who writes to it too.
struct FlagWorld: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var make: @Sendable () async throws -> Bench

  struct Bench: Sendable {
    var provider: any FlagProvider
    /// Writes another state than any of the tests writes, as a person would.
    var changeByOther: @Sendable () async throws -> Void
    /// Kept alive with the bench.
    var keeper: (any Sendable)?
  }

  static let key = "new-checkout"
  static let note = FlagNote(marker: "shipit/shop/prod/rollout/new-checkout/1", text: "10 % (release 7)")

  static let all = [launchDarkly, flagd, variable]

  static let launchDarkly = FlagWorld(testDescription: "LaunchDarkly") {
    let twin = try LaunchDarklyBench()
    return Bench(
      provider: twin.flag(),
      changeByOther: {
        let person = twin.flag(token: "api-ann")
        _ = try await person.set(
          share(33), expected: try await person.read(), note: FlagNote(marker: "ann", text: "33"))
      })
  }

  static let flagd = FlagWorld(testDescription: "a file of flagd") {
    let directory = try ScratchDirectory()
    try directory.write(FlagdTests.file, to: "flags.json")
    let path = directory.path + "/flags.json"
    return Bench(
      provider: FlagdFile(path: path, key: key, serve: true, clock: SystemClock()),
      changeByOther: {
        let text = try directory.read("flags.json").replacingOccurrences(
          of: "\"new-checkout\": {", with: "\"new-checkout\": { \"metadata\": {\"by\": \"ann\"}, ")
        try directory.write(text, to: "flags.json")
      }, keeper: directory)
  }

  static let variable = FlagWorld(testDescription: "an environment variable") {
    let held = HeldVariable()
    return Bench(
      provider: VariableFlag(held), changeByOther: { held.value.withLock { $0 = "maybe" } })
  }
}

func share(_ percent: Double) -> FlagShare { FlagShare(percent: percent) ?? .nobody }

/// A variable in memory.
final class HeldVariable: FlagVariable {
  let value = Locked<String?>("false")
  let name = "CHECKOUT of api"

  func value() async throws(Failure) -> String? { value.withLock { $0 } }
  func write(_ text: String) async throws(FlagRefusal) -> String? {
    value.withLock { $0 = text }
    return text
  }
}

/// The emulated LaunchDarkly with one flag, reached without a socket.
struct LaunchDarklyBench: Sendable {
  let twin: LaunchDarklyTwin
  static let recording = ProcessInfo.processInfo.environment["SHIPIT_RECORD"].flatMap {
    try? Recording(path: $0)
  }

  static func seed(requireApproval: Bool = false, flag: [String: JSON] = [:]) -> JSON {
    var members: [String: JSON] = ["key": "new-checkout", "salt": "9f1c2d", "variations": [true, false]]
    members.merge(flag) { $1 }
    return [
      "project": "shop",
      "environments": [
        ["key": "production", "sdkKey": "sdk-1", "requireApproval": .bool(requireApproval)],
        ["key": "staging", "sdkKey": "sdk-2"],
      ],
      "tokens": [
        ["token": "api-ci", "name": "ci"], ["token": "api-ann", "name": "ann", "member": "ann@example.com"],
        ["token": "api-read", "name": "reader", "role": "reader"],
      ], "flags": [.object(members)],
    ]
  }

  init(requireApproval: Bool = false, flag: [String: JSON] = [:]) throws {
    twin = try LaunchDarklyTwin(
      EmulationSetup(
        seed: Self.seed(requireApproval: requireApproval, flag: flag), clock: SystemClock(),
        recording: Self.recording))
  }

  func flag(token: String = "api-ci", rule: String? = nil, contextKind: String = "user", serve: JSON = true)
    -> LaunchDarklyFlag
  {
    LaunchDarklyFlag(
      LaunchDarklyTarget(
        url: InProcessTransport.bases["launchdarkly"] ?? "", project: "shop", environment: "production",
        flag: "new-checkout", token: Sensitive(token), contextKind: contextKind, rule: rule), serve: serve,
      http: InProcessTransport([twin]), clock: SystemClock(), version: "0")
  }

  func fault(_ script: JSON) async {
    _ = await twin.control(.init(method: "POST", path: "/faults", body: Array(script.serialized().utf8)))
  }

  func count(_ operation: String) async -> Int {
    let response = await twin.control(.init(method: "GET", path: "/requests"))
    guard case .bytes(let bytes) = response.body, let rows = try? JSON(parsing: bytes).array else {
      return -1
    }
    return rows.filter { $0["operation"]?.string == operation }.count
  }

  /// The flag's configuration as the API tells it.
  func configuration() async throws -> JSON {
    let response = await twin.answer(
      .init(
        method: "GET", path: "/api/v2/flags/shop/new-checkout", query: [("env", "production")],
        headers: [("Authorization", "api-read")]), patience: nil)
    guard case .bytes(let bytes) = response.body else { return .null }
    return try JSON(parsing: bytes)["environments"]?["production"] ?? .null
  }

  func review(_ kind: String) async throws {
    let base = "/api/v2/projects/shop/flags/new-checkout/environments/production/approval-requests"
    let list = await twin.answer(
      .init(method: "GET", path: base, headers: [("Authorization", "api-ann")]), patience: nil)
    guard case .bytes(let bytes) = list.body,
      let id = try JSON(parsing: bytes)["items"]?.array?.last?["_id"]?.string
    else { return }
    let body: JSON = ["kind": .string(kind), "comment": "looked at it"]
    _ = await twin.answer(
      .init(
        method: "POST", path: "\(base)/\(id)/reviews", headers: [("Authorization", "api-ann")],
        body: Array(body.serialized().utf8)), patience: nil)
  }
}
