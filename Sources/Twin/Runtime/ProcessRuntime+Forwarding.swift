import Concurrency
import HTTP
package import HTTPServer

/// Requests on their way to a process, for platforms that answer a part of them in front of it.
extension ProcessRuntime {
  package func forward(_ request: ServerRequest, to deployment: String) async -> ServerResponse? {
    guard let port = state.withLock({ $0.running[deployment]?.port }) else {
      return .page(502)
    }
    guard port != 0 else { return nil }
    let passing = HTTPRequest(
      method: request.method, url: "http://127.0.0.1:\(port)" + ProcessRuntime.target(of: request),
      headers: request.headers.filter { !ProcessRuntime.hop.contains($0.name.lowercased()) },
      body: request.body.isEmpty ? .none : .bytes(request.body), timeout: .seconds(60), freshConnection: true)
    do {
      let answer = try await client.send(passing)
      return ServerResponse(
        status: answer.status,
        headers: answer.headers.filter { !ProcessRuntime.hop.contains($0.name.lowercased()) },
        body: .bytes(answer.body))
    } catch {
      return .page(502)
    }
  }

  /// Asks over and over until there is an answer, of whatever status.
  func awaitAnswer(of deployment: String) async {
    while !Task.isCancelled {
      if let port = state.withLock({ $0.running[deployment]?.port }) {
        if port == 0 { return emit(.healthy, of: deployment) }
        let answer = try? await client.send(
          HTTPRequest(url: "http://127.0.0.1:\(port)/", timeout: .seconds(5), freshConnection: true))
        if answer != nil, !Task.isCancelled { return emit(.healthy, of: deployment) }
      }
      try? await Task.sleep(for: .milliseconds(50))
    }
  }

  /// Headers that belong to one connection, or that the next one writes itself.
  private static let hop: Set<String> = [
    "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length", "expect",
  ]

  private static func target(of request: ServerRequest) -> String {
    let query = request.query.map { "\(encoded($0.name))=\(encoded($0.value))" }.joined(separator: "&")
    return encoded(request.path, keeping: "/") + (query.isEmpty ? "" : "?" + query)
  }

  private static func encoded(_ text: String, keeping extra: String = "") -> String {
    let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8).union(
      extra.utf8)
    return text.utf8.map { byte in
      if plain.contains(byte) { return String(UnicodeScalar(byte)) }
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (digits.count == 1 ? "0" + digits : digits)
    }.joined()
  }
}
