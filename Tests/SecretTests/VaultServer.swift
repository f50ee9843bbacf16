import Foundation
import HTTP
import JSON
import Processes
import TestSupport
import Testing

/// A real OpenBao in memory, on loopback; it speaks Vault's API.
struct VaultServer: Sendable {
  static let root = "planted-root-token"
  static let isThere = SecretTools.isThere("bao")

  let address: String
  private let http = HTTPClient()

  static func with(_ bench: SecretBench, _ body: (VaultServer) async throws -> Void) async throws {
    let port = try freeLoopbackPort()
    let specification = ProcessSpecification(
      "bao",
      ["server", "-dev", "-dev-no-store-token", "-dev-listen-address=127.0.0.1:\(port)"],
      environment: bench.process.merging(["BAO_DEV_ROOT_TOKEN_ID": root]) { _, new in new },
      directory: bench.scratch.path)
    // It says so when it is unsealed and has its mount.
    try await TestChild.with(specification, ready: { $0.contains("Root Token:") ? true : nil }) { _ in
      try await body(VaultServer(address: "http://127.0.0.1:\(port)"))
    }
  }

  @discardableResult
  func ask(_ method: String, _ path: String, _ body: JSON? = nil, token: String = root) async throws -> JSON {
    let response = try await http.send(
      HTTPRequest(
        method: method, url: "\(address)/v1/\(path)", headers: [("x-vault-token", token)],
        body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none))
    try #require(response.status < 300, "\(method) \(path): \(response.text)")
    return response.body.isEmpty ? .null : try JSON(parsing: response.body)
  }

  /// A policy for one secret.
  func allow(_ capabilities: String, on path: String, as policy: String) async throws {
    try await ask(
      "PUT", "sys/policies/acl/\(policy)",
      ["policy": .string("path \"\(path)\" { capabilities = [\(capabilities)] }")])
  }

  /// A token with policies.
  func token(_ policies: JSON) async throws -> String {
    try #require(
      await ask("POST", "auth/token/create", ["policies": policies])["auth"]?["client_token"]?.string)
  }

  func accessors() async throws -> Int {
    try await ask("LIST", "auth/token/accessors")["data"]?["keys"]?.array?.count ?? 0
  }
}
