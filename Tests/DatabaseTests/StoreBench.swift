import AWS
import Concurrency
import Crypto
import Foundation
import HTTP
import HTTPServer
import Model
import Processes
import TestSupport
import Testing

@testable import Databases

/// The programs of other people that backups are tried with; `make setup` puts them into build/venv.
enum BackupTools {
  static let path =
    Checkout.root + "/build/venv/bin:" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")

  static func isThere(_ names: String...) -> Bool {
    names.allSatisfy { name in
      path.split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }
  }
}

/// A store of S3's protocol, moto, behind a door that may be told to misbehave.
final class ObjectServer: Sendable {
  /// What the door does to a request.
  enum Fault: Sendable {
    case answer(Int, String)
    /// Cut without an answer.
    case cut
    /// Carried out, and cut without an answer.
    case lostAnswer
  }

  static let bucket = "acme-backups"
  let door: HTTPServer
  private let faults = Locked<[(method: String, query: String, times: Int, fault: Fault)]>([])
  let seen: Locked<[String]>
  let moto: String
  /// Whom a strict one knows.
  let credentials: Credentials

  private init(
    _ moto: String,
    _ credentials: Credentials = Credentials(keyID: "AKIDEXAMPLE", secret: "planted-secret-key")
  ) throws {
    self.moto = moto
    self.credentials = credentials
    let seen = Locked<[String]>([])
    self.seen = seen
    let client = HTTPClient()
    let faults = faults
    door = try HTTPServer { request in
      let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
      seen.withLock { $0.append("\(request.method) \(request.path) \(query)") }
      let fault = faults.withLock { faults -> Fault? in
        guard
          let index = faults.firstIndex(where: {
            $0.method == request.method && $0.times > 0 && "\(request.path)?\(query)".contains($0.query)
          })
        else { return nil }
        faults[index].times -= 1
        return faults[index].fault
      }
      switch fault {
      case .answer(let status, let text):
        return ServerResponse(status: status, body: .bytes(Array(text.utf8)))
      case .cut: return ServerResponse(status: 200, body: .cut)
      case .lostAnswer, nil: break
      }
      let written = request.query.map { "\($0.name)=\(Signature.encode($0.value))" }.joined(separator: "&")
      let passed = request.headers.filter {
        !["host", "content-length", "expect", "transfer-encoding"].contains($0.name.lowercased())
      }
      guard
        let answer = try? await client.send(
          HTTPRequest(
            method: request.method,
            url: moto + Signature.encode(request.path, sparing: "/") + (written.isEmpty ? "" : "?\(written)"),
            headers: passed, body: .bytes(request.body), bodyLimit: 512 << 20))
      else { return ServerResponse(status: 502) }
      if case .lostAnswer = fault { return ServerResponse(status: 200, body: .cut) }
      let kept = answer.headers.filter {
        ["etag", "content-type", "content-range", "x-amz-bucket-region"].contains($0.name.lowercased())
      }
      return ServerResponse(status: answer.status, headers: kept, body: .bytes(answer.body))
    }
  }

  /// Starts moto with an empty bucket, and ends it whatever the test does.
  /// - Parameter isStrict: it compares signatures, and knows one user, who may do everything.
  static func with(
    isStrict: Bool = false, _ body: (ObjectServer) async throws -> Void
  ) async throws {
    let scratch = try ScratchDirectory()
    let port = try freeLoopbackPort()
    var variables = ["PATH": BackupTools.path, "HOME": scratch.path, "TMPDIR": scratch.path]
    // The user, its key, its policy and the bucket.
    if isStrict { variables["INITIAL_NO_AUTH_ACTION_COUNT"] = "4" }
    let specification = ProcessSpecification(
      "moto_server", ["-H", "127.0.0.1", "-p", "\(port)"], environment: variables, directory: scratch.path)
    // What a child no longer reads must not end the tests.
    signal(SIGPIPE, SIG_IGN)
    try await TestChild.with(specification, ready: { $0.contains("Running on") ? true : nil }) { _ in
      var server = try ObjectServer("http://127.0.0.1:\(port)")
      if isStrict { server = try ObjectServer(server.moto, try await server.makeUser()) }
      try await server.storage.make()
      try await body(server)
      await server.door.shutDown()
    }
  }

  var endpoint: String { "http://127.0.0.1:\(door.port)" }

  /// For `backup.to`.
  var to: String { "s3://\(Self.bucket)/shop/prod?endpoint=\(endpoint)" }

  /// - Parameter query: stands in path and query.
  func misbehave(_ method: String, _ query: String, times: Int = 1, _ fault: Fault) {
    faults.withLock { $0.append((method, query, times, fault)) }
  }

  /// Past the door.
  var storage: ObjectStorage {
    ObjectStorage(
      .init(bucket: Self.bucket, region: "us-east-1", endpoint: moto, isInPath: true),
      credentials: credentials, transport: HTTPClient(), clock: SystemClock())
  }

  /// What the owner of an account does for shipit.
  private func makeUser() async throws -> Credentials {
    _ = try await identity("CreateUser", [])
    let answer = try await identity("CreateAccessKey", [])
    let policy =
      #"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#
    _ = try await identity("PutUserPolicy", [("PolicyName", "all"), ("PolicyDocument", policy)])
    func part(_ name: String) throws -> String {
      try #require(answer.components(separatedBy: "<\(name)>").last?.components(separatedBy: "</").first)
    }
    return Credentials(keyID: try part("AccessKeyId"), secret: try part("SecretAccessKey"))
  }

  private func identity(_ action: String, _ fields: [(String, String)]) async throws -> String {
    let body = ([("Action", action), ("Version", "2010-05-08"), ("UserName", "shipit")] + fields)
      .map { "\($0.0)=\(Signature.encode($0.1))" }.joined(separator: "&")
    let said = [("content-type", "application/x-www-form-urlencoded")]
    let signed = Signature(region: "us-east-1", service: "iam").headers(
      for: .init(method: "POST", path: "/", headers: said + [("host", String(moto.dropFirst(7)))]),
      payload: Signature.payload(of: Array(body.utf8)), by: credentials, at: SystemClock().now)
    let answer = try await HTTPClient().send(
      HTTPRequest(method: "POST", url: moto + "/", headers: said + signed, body: .bytes(Array(body.utf8))))
    try #require(answer.status == 200, "\(answer.text)")
    return answer.text
  }

  func keys() async throws -> [String] { try await storage.list("").map(\.key) }
}

extension ObjectStorage {
  /// Makes the bucket: an object of no name.
  fileprivate func make() async throws { try await put("", []) }
}

extension BackupStores {
  /// As the process has them, with the credentials of its environment.
  static func of(
    _ root: String, app: String = "athlete", secrets: SecretValues = SecretValues(),
    credentials: Credentials = Credentials(keyID: "AKIDEXAMPLE", secret: "planted-secret-key")
  ) -> BackupStores {
    BackupStores(
      root: root, app: app, secrets: secrets, clock: SystemClock(), process: [:], transport: HTTPClient()
    ) { _, _ in credentials }
  }
}
