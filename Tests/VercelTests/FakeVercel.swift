import Archive
import Concurrency
import Foundation
import HTTP
import JSON
import Model
import TestSupport

@testable import Vercel

/// What one request is answered with.
enum Reply: Sendable {
  case json(JSON, status: Int = 200, [(name: String, value: String)] = [])
  case error(Int, String, String = "no", extra: [String: JSON] = [:], [(name: String, value: String)] = [])
  case text(Int, String)
  case fails(HTTPError)
  /// Time passes before the answer.
  indirect case after(Duration, Reply)

  static let lost = Reply.fails(
    HTTPError(code: .connectionLost, message: "the connection broke", nothingSent: false))
  static let refused = Reply.fails(HTTPError(code: .refused, message: "nothing listens", nothingSent: true))
  static let empty = Reply.text(201, "")
}

/// A Vercel of canned answers: for each "METHOD /path" a list, of which the last repeats.
final class FakeVercel: Sendable {
  struct Call: Sendable {
    var route: String
    var query: [String: String]
    var body: JSON
    var request: HTTPRequest
  }

  static let token = "vca_3c5d7e9f"
  let clock: ManualClock
  private let replies: Locked<[String: [Reply]]>
  private let log = Locked<[Call]>([])

  init(clock: ManualClock = ManualClock(), _ replies: [String: [Reply]] = [:]) {
    self.clock = clock
    var all: [String: [Reply]] = [
      "GET /v9/projects/prj_web": [.json(Sample.project())],
      "GET /v9/projects/prj_web/domains": [.json(Sample.domains(["web.example.com"]))],
      "GET /v3/deployments/dpl_new/events": [.json([])],
      "GET /v6/domains/web.example.com/config": [
        .json([
          "configuredBy": "CNAME", "acceptedChallenges": [], "misconfigured": false, "recommendedIPv4": [],
          "recommendedCNAME": [],
        ])
      ],
    ]
    for (name, list) in replies { all[name] = list }
    self.replies = Locked(all)
  }

  /// Every call, in order.
  var calls: [Call] { log.withLock { $0 } }
  func calls(_ route: String) -> [Call] { calls.filter { $0.route == route } }
  var routes: [String] { calls.map(\.route) }

  /// Other answers from now on.
  func answer(_ route: String, _ list: [Reply]) { replies.withLock { $0[route] = list } }

  var transport: ScriptedTransport {
    ScriptedTransport { [self] request throws(HTTPError) in
      let call = Call(request)
      log.withLock { $0.append(call) }
      let reply = replies.withLock { replies -> Reply in
        guard let list = replies[call.route], let first = list.first else {
          return .error(404, "not_found", "nothing scripted for \(call.route)")
        }
        if list.count > 1 { replies[call.route] = Array(list.dropFirst()) }
        return first
      }
      let response = try answer(reply)
      Recorder.shared?.add(call, response)
      return response
    }
  }

  private func answer(_ reply: Reply) throws(HTTPError) -> HTTPResponse {
    switch reply {
    case .json(let body, let status, let headers): return .text(status, body.serialized(), headers: headers)
    case .error(let status, let code, let message, let extra, let headers):
      let error = extra.merging(["code": .string(code), "message": .string(message)]) { own, _ in own }
      return .text(status, JSON.object(["error": .object(error)]).serialized(), headers: headers)
    case .text(let status, let text): return .text(status, text)
    case .fails(let error): throw error
    case .after(let wait, let reply):
      clock.advance(by: wait)
      return try answer(reply)
    }
  }

  func platform(
    secrets: SecretValues = SecretValues(), packer: any SourcePacker = FakePacker(files: [:]),
    root: String = "/nonexistent", variables: [String: String] = [:],
    hide: @escaping @Sendable (String, Sensitive) -> Void = { _, _ in }
  ) -> VercelPlatform {
    VercelPlatform(
      baseURL: "http://127.0.0.1:4010", http: transport, clock: clock, token: Sensitive(FakeVercel.token),
      secrets: secrets, packer: packer, root: root, variables: variables,
      temporaryDirectory: FileManager.default.temporaryDirectory.path, disk: .inline, hide: hide,
      random: { 0.5 })
  }
}

extension FakeVercel.Call {
  init(_ request: HTTPRequest) {
    let target = request.url.replacingOccurrences(of: "http://127.0.0.1:4010", with: "")
    let parts = target.split(separator: "?", maxSplits: 1)
    route = "\(request.method) \(parts[0])"
    query = [:]
    for field in parts.count > 1 ? parts[1].split(separator: "&") : [] {
      let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      query[String(pair[0])] = String(pair[1]).removingPercentEncoding
    }
    if case .bytes(let bytes) = request.body, let parsed = try? JSON(parsing: bytes) {
      body = parsed
    } else {
      body = .null
    }
    self.request = request
  }
}

/// Writes every exchange as a line of JSON to `SHIPIT_RECORD`, for the contract check.
final class Recorder: Sendable {
  static let shared = ProcessInfo.processInfo.environment["SHIPIT_RECORD"].map { Recorder(path: $0) }
  private let descriptor: Int32

  init(path: String) { descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }

  func add(_ call: FakeVercel.Call, _ response: HTTPResponse) {
    let isJSON = call.request.headers.contains { $0.name == "Content-Type" && $0.value == "application/json" }
    let line: JSON = [
      "platform": "vercel", "method": .string(call.request.method),
      "path": .string(String(call.route.split(separator: " ")[1])),
      "query": .object(call.query.mapValues { .string($0) }),
      "headers": .array(call.request.headers.map { .string($0.name) }),
      "request": isJSON ? call.body : .null, "status": .int(Int64(response.status)),
      "response": (try? JSON(parsing: response.body)) ?? .null,
    ]
    // One write per line: O_APPEND keeps lines of several requests apart.
    let bytes = Array((line.serialized() + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  }
}

/// Packs the given files into a real archive in a scratch directory.
struct FakePacker: SourcePacker {
  var files: [String: String]
  let scratch = try? ScratchDirectory()

  func pack(path: String, root: String?, include: [String], commit: String) async throws(Failure)
    -> PackedSource
  {
    let file = (scratch?.path ?? "/nonexistent") + "/source-\(UUID().uuidString).tar.gz"
    do {
      let archive = try ArchiveWriter(to: file)
      for (name, text) in files.sorted(by: { $0.key < $1.key }) {
        if name.hasSuffix("@") {
          try archive.addLink(String(name.dropLast()), target: text)
        } else {
          try archive.addFile(name, bytes: Array(text.utf8))
        }
      }
      try archive.finish()
    } catch { throw Failure(.failed, "\(error)") }
    return PackedSource(file: file, bytes: 10, files: files.count, digest: "d")
  }
}

/// What a step told while it ran.
final class Record: Sendable {
  final class List<Element: Sendable>: Sendable {
    private let items = Locked<[Element]>([])
    func append(_ item: Element) { items.withLock { $0.append(item) } }
    var all: [Element] { items.withLock { $0 } }
  }

  let ids = List<String>()
  let reports = List<StepReport>()
  var logs: [String] { reports.all.compactMap { if case .log(let text) = $0 { text } else { nil } } }
  var progress: [String] { reports.all.compactMap { if case .progress(let text) = $0 { text } else { nil } } }
}

extension Outcome {
  var result: StepResult? { if case .done(let result) = self { result } else { nil } }
  var failure: Failure? {
    switch self {
    case .failed(let failure, _), .retry(let failure, _), .ambiguous(let failure), .unknowable(let failure):
      failure
    default: nil
    }
  }
  var moved: Bool? { if case .failed(_, let moved) = self { moved } else { nil } }
  var word: String {
    switch self {
    case .done: "done"
    case .failed: "failed"
    case .retry: "retry"
    case .ambiguous: "ambiguous"
    case .unknowable: "unknowable"
    case .waiting: "waiting"
    case .cancelled: "cancelled"
    }
  }
}
