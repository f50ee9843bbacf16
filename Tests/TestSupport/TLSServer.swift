import Foundation

/// `openssl s_server` on a loopback port with a certificate of its own making, for `localhost`.
package final class TLSServer: @unchecked Sendable {
  // `@unchecked`: everything is set before `init` returns.
  package let port: UInt16
  /// The certificate's file, which is its own authority too.
  package let certificate: String
  private let scratch: ScratchDirectory
  private let process: SpawnedChild

  private static let tool = "/usr/bin/openssl"
  package static var isAvailable: Bool { FileManager.default.isExecutableFile(atPath: tool) }

  /// - Parameter days: how long the certificate lasts from now; below zero it has ended.
  package init(days: Int = 2) throws {
    scratch = try ScratchDirectory()
    certificate = scratch.path + "/certificate.pem"
    let key = scratch.path + "/key.pem"
    let request = scratch.path + "/request.pem"
    try TLSServer.run([
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
    try TLSServer.run([
      "ca", "-config", scratch.path + "/ca.cnf", "-batch", "-selfsign", "-keyfile", key, "-in", request,
      "-out",
      certificate, "-notext", "-startdate", moment(-10), "-enddate", moment(Double(days)),
    ])
    port = try freeLoopbackPort()
    process = try SpawnedChild(
      TLSServer.tool,
      ["s_server", "-accept", "127.0.0.1:\(port)", "-cert", certificate, "-key", key, "-www", "-quiet"])
  }

  private static func run(_ arguments: [String]) throws {
    guard try SpawnedChild(tool, arguments).wait() == 0 else { throw CocoaError(.featureUnsupported) }
  }
}

/// A loopback port on which nothing listens now.
package func freeLoopbackPort() throws -> UInt16 {
  try SocketServer { _, _ in }.port
}
