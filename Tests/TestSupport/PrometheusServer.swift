import Foundation
import Processes

/// A real Prometheus on loopback that scrapes what a test serves, many times a second.
package enum PrometheusServer {
  /// Why there is none; nil when it can be started.
  package static let missing: String? = program == nil ? "Prometheus is not installed (make setup)" : nil

  package static let scrape = Duration.milliseconds(200)
  package static let user = "1234567"
  package static let password = "correct horse"

  private static let program: String? = {
    let folders =
      ["/usr/bin", "/usr/local/bin"]
      + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return folders.map { $0 + "/prometheus" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// - Parameters:
  ///   - targets: ports with a path `/metrics`, each scraped as job `api`.
  ///   - isGuarded: whether it wants `user` and `password`.
  package static func with(
    _ targets: [UInt16] = [], isGuarded: Bool = false, _ body: (_ url: String) async throws -> Void
  ) async throws {
    let directory = try ScratchDirectory()
    let names = targets.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", ")
    try directory.write(
      """
      global: {scrape_interval: 200ms, scrape_timeout: 200ms}
      scrape_configs:
        - {job_name: api, static_configs: [{targets: [\(names)]}]}
      """, to: "prometheus.yml")
    // The hash of `password`, made with bcrypt and four rounds, for it is asked with each request.
    try directory.write(
      isGuarded
        ? "basic_auth_users: {\"\(user)\": \"$2b$04$qARzMtwSsxctNR.lmNMggu2VxUO98qBxMCwsrkyjbv5mgJSFFfBK.\"}\n"
        : "{}\n",
      to: "web.yml")
    let port = try freePort()
    try await TestChild.with(
      ProcessSpecification(
        program ?? "prometheus",
        [
          "--config.file=\(directory.path)/prometheus.yml", "--web.config.file=\(directory.path)/web.yml",
          "--storage.tsdb.path=\(directory.path)/data", "--web.listen-address=127.0.0.1:\(port)",
        ], environment: ["PATH": "/usr/bin:/bin"], directory: directory.path),
      ready: { $0.contains("Server is ready to receive web requests") ? true : nil }
    ) { _ in try await body("http://127.0.0.1:\(port)") }
  }

  /// Prometheus chooses no port by itself.
  private static func freePort() throws -> UInt16 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    guard isBound else { throw ProcessError(code: .other, description: "no free port") }
    return UInt16(bigEndian: address.sin_port)
  }
}

/// Asks until the answer is as wanted, and gives the last one in any case.
package func awaited<Answer>(
  within limit: Duration = .seconds(20), _ ask: () async throws -> Answer, until isWanted: (Answer) -> Bool
) async throws -> Answer {
  let end = ContinuousClock.now + limit
  while true {
    let answer = try await ask()
    if isWanted(answer) || ContinuousClock.now > end { return answer }
    try await Task.sleep(for: .milliseconds(50))
  }
}
