package import Processes

/// What git knows of a directory: the files it tracks there, and where they are pushed to.
package struct TrackedFiles: Sendable {
  /// Relative to the directory.
  package var paths: [String]
  /// The address of `origin`.
  package var remote: String?

  /// - Returns: nil where there is no repository, or no git.
  package static func find(
    root: String, process: [String: String], launcher: Launcher
  ) async -> TrackedFiles? {
    let git = Git(root: root, process: process, launcher: launcher)
    guard let listed = try? await git.output(["ls-files", "-z", "--cached", "--", "."]) else { return nil }
    let paths = String(decoding: listed.output, as: UTF8.self).split(separator: "\0").map(String.init)
    let remote = try? await git.output(["remote", "get-url", "origin"])
    let address = remote.map { String(decoding: $0.output, as: UTF8.self) }
    return TrackedFiles(paths: paths, remote: address.map { String($0.prefix { $0 != "\n" }) })
  }
}
