import Foundation
import Testing

/// A `pg_dump` and a `pg_restore` in front of the real ones.
///
/// In the scripts `$real` is the real program, `$@` are its arguments, and `$file` is what is written to.
struct ProgramShim {
  /// Goes in front of `PATH`, with its colon.
  let path: String
  private static let real = "exec \"$real\" \"$@\""

  init(in folder: String, dump: String = real, restore: String = real, version: String? = nil) throws {
    let versions = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql").compactMap {
      Int($0)
    }
    let programs = "/usr/lib/postgresql/\(try #require(versions.max()))/bin"
    let folder = folder + "/bin"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, script) in [("pg_dump", dump), ("pg_restore", restore)] {
      let says = version.map { "echo '\(name) (PostgreSQL) \($0)'; exit 0" } ?? "exec \"$real\" --version"
      let text = """
        #!/bin/bash
        real=\(programs)/\(name)
        case "$1" in --version) \(says);; esac
        file=/dev/stdout
        \(script)

        """
      try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder)/\(name)")
    }
    path = folder + ":"
  }
}
