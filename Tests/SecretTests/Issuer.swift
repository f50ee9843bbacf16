import Crypto
import Foundation
import HTTPServer
import JSON
import TestSupport
import Testing

/// Vouches for jobs as GitHub does: tokens that a real key signs, given to who shows the job's own token.
struct Issuer: Sendable {
  let publicKey: String

  init(_ bench: SecretBench) async throws {
    try await bench.run("openssl", "genrsa", "-out", "issuer.pem", "2048")
    publicKey = try await bench.run("openssl", "rsa", "-in", "issuer.pem", "-pubout")
  }

  static func variables(_ server: HTTPServer) -> [String: String] {
    [
      "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:\(server.port)/token?api-version=2.0",
      "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "planted-job-token",
    ]
  }

  func serve(_ bench: SecretBench, repository: String) throws -> HTTPServer {
    try HTTPServer { request in
      guard request.header("authorization") == "Bearer planted-job-token", request.path == "/token" else {
        return ServerResponse(status: 401)
      }
      let audience = request.query.first { $0.name == "audience" }?.value ?? "https://github.com/acme"
      guard let token = try? await sign(bench, repository, audience) else {
        return ServerResponse(status: 500)
      }
      return ServerResponse(
        status: 200, body: .bytes(Array((["value": .string(token)] as JSON).serialized().utf8)))
    }
  }

  private func sign(_ bench: SecretBench, _ repository: String, _ audience: String) async throws -> String {
    let now = Int64(Date().timeIntervalSince1970)
    let claims: JSON = [
      "iss": "https://token.actions.githubusercontent.com",
      "sub": .string("repo:\(repository):ref:refs/heads/main"),
      "repository": .string(repository), "aud": .string(audience), "iat": .int(now), "nbf": .int(now - 5),
      "exp": .int(now + 300),
    ]
    let parts = [(["alg": "RS256", "typ": "JWT"] as JSON), claims].map {
      Base64.encode(Array($0.serialized().utf8), alphabet: .url).trimmingCharacters(in: ["="])
    }
    let text = parts.joined(separator: ".")
    let hex = try await bench.run("openssl", "dgst", "-sha256", "-sign", "issuer.pem", "-hex", input: text)
    let digits = try #require(hex.split(separator: " ").last).filter(\.isHexDigit)
    let signature = try #require(Hex.decode(digits))
    return text + "." + Base64.encode(signature, alphabet: .url).trimmingCharacters(in: ["="])
  }
}
