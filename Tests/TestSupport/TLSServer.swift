import Foundation
import Processes

/// `openssl s_server` on a loopback port with a certificate of its own making, for `localhost`.
package struct TLSServer: Sendable {
  package let port: UInt16
  /// The certificate's file, which is its own authority too.
  package let certificate: String

  private static let tool = "/usr/bin/openssl"
  package static var isAvailable: Bool { FileManager.default.isExecutableFile(atPath: tool) }

  /// Runs a test with such a server, which listens when `body` begins and has ended when this returns.
  /// - Parameter days: how long the certificate lasts from now; below zero it has ended.
  package static func with(days: Int = 2, _ body: (TLSServer) async throws -> Void) async throws {
    let scratch = try ScratchDirectory()
    defer { withExtendedLifetime(scratch) {} }
    let key = scratch.path + "/key.pem"
    let certificate = try await makeCertificate(days: days, key: key, in: scratch)
    try await TestChild.with(
      specification(["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-www"]),
      ready: { UInt16($0.prefix { $0 != " " } == "ACCEPT" ? $0.split(separator: ":").last ?? "" : "") }
    ) { port in
      try await body(TLSServer(port: port, certificate: certificate))
    }
  }

  private static func makeCertificate(
    days: Int, key: String, in scratch: ScratchDirectory
  ) async throws -> String {
    let certificate = scratch.path + "/certificate.pem"
    let request = scratch.path + "/request.pem"
    try await run([
      "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
      "/CN=localhost",
      "-keyout", key, "-out", request,
    ])
    // `x509` refuses days below zero: what has ended is made by `ca`'s dates, through a small configuration.
    let now = Date()
    func moment(_ days: Double) -> String {
      let format = DateFormatter()
      format.locale = Locale(identifier: "en_US_POSIX")
      format.timeZone = TimeZone(identifier: "UTC")
      format.dateFormat = "yyyyMMddHHmmss'Z'"
      return format.string(from: now.addingTimeInterval(days * 86_400))
    }
    try scratch.write("", to: "index.txt")
    try scratch.write("01\n", to: "serial")
    try scratch.write(
      """
      [ca]
      default_ca = own
      [own]
      dir = \(scratch.path)
      database = \(scratch.path)/index.txt
      serial = \(scratch.path)/serial
      new_certs_dir = \(scratch.path)
      default_md = sha256
      policy = any
      x509_extensions = names
      [any]
      commonName = supplied
      [names]
      subjectAltName = DNS:localhost
      basicConstraints = CA:TRUE
      """, to: "ca.cnf")
    try await run([
      "ca", "-config", scratch.path + "/ca.cnf", "-batch", "-selfsign", "-keyfile", key, "-in", request,
      "-out",
      certificate, "-notext", "-startdate", moment(-10), "-enddate", moment(Double(days)),
    ])
    return certificate
  }

  private static func run(_ arguments: [String]) async throws {
    let result = try await Launcher().run(specification(arguments), timeout: .seconds(60))
    guard result.exit.isSuccess else {
      throw ProcessError(code: .other, description: "openssl \(arguments[0]): \(result.errorText)")
    }
  }

  private static func specification(_ arguments: [String]) -> ProcessSpecification {
    ProcessSpecification(tool, arguments, environment: ["PATH": "/usr/bin:/bin"])
  }
}

/// A loopback port on which nothing listens now.
package func freeLoopbackPort() throws -> UInt16 {
  try SocketServer { _, _ in }.port
}
