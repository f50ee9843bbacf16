import Foundation
import Processes

extension GitProject {
  /// The demo's project: an API on Railway, jobs on Encore, a front end on Vercel, with an origin that its commits
  /// are pushed to, a free port for the jobs, and the twin's seed beside it (`seed`).
  /// What the demo makes first is there already: its own test is about that.
  package static func threePlatforms() async throws -> GitProject {
    func read(_ name: String) throws -> String {
      try String(contentsOfFile: Checkout.root + "/" + name, encoding: .utf8)
    }
    // The address of the job runner is the one the environment file has to name.
    let port = try freePort()
    func placed(_ text: String) -> String { text.replacingOccurrences(of: "18431", with: "\(port)") }
    var project = try await GitProject(environment: placed(read("environments/demo.yaml")))
    let origin = project.scratch.path + "/origin.git"
    try project.change("environments/demo.yaml", "provision: create\n", "provision: adopt\n")
    var seed = try placed(read("demo/seed.json"))
    for (place, text) in [
      ("REPOSITORY", origin), (#""teams":"#, #""projects": [{"name": "web", "team": "demo"}], "teams":"#),
      (
        #""workspaces":"#,
        #""projects": [{"name": "demo", "workspace": "demo", "environments": ["production"], "#
          + #""services": [{"name": "api"}]}], "workspaces":"#
      ),
    ] {
      seed = seed.replacingOccurrences(of: place, with: text)
    }
    try project.scratch.write(seed, to: "seed.json")
    for file in ["jobs/encore.app", "jobs/server.py", "web/build.py"] {
      try project.write(read("demo/" + file), to: file)
    }
    try await project.git("init", "-q", "--bare", "-b", "main", origin)
    try await project.git("remote", "add", "origin", origin)
    project.origin = origin
    try await project.commit("three platforms")
    return project
  }

  /// The twin's seed of `threePlatforms`.
  package var seed: String { scratch.path + "/seed.json" }

  /// A loopback port that nobody has at this moment.
  private static func freePort() throws -> UInt16 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    guard isBound else { throw ProcessError(code: .other, description: "no free port: errno \(errno)") }
    return UInt16(bigEndian: address.sin_port)
  }
}

extension GitProject {
  /// Two services on Railway with databases, volume, domain and proxy, and a front end on Vercel, none of which is there:
  /// `seed` is of two empty accounts.
  package static func fromNothing() async throws -> GitProject {
    func read(_ name: String) throws -> String {
      try String(contentsOfFile: Checkout.root + "/" + name, encoding: .utf8)
    }
    var project = try await GitProject(environment: read("Tests/Support/from-nothing.yaml"))
    try project.scratch.write(read("Tests/Support/from-nothing-seed.json"), to: "seed.json")
    try project.write(read("demo/web/build.py"), to: "web/build.py")
    // Only so that stages know that the seed is the project's own.
    let origin = project.scratch.path + "/origin.git"
    try await project.git("init", "-q", "--bare", "-b", "main", origin)
    try await project.git("remote", "add", "origin", origin)
    project.origin = origin
    try await project.commit("from nothing")
    return project
  }
}
