import Foundation
import Processes

/// A scratch git repository with the demo's program and environment.
package struct GitProject: Sendable {
  package let scratch: ScratchDirectory
  package var path: String { scratch.path + "/project" }
  /// What git and shipit see: nothing of the tester's own configuration.
  package var variables: [String: String]
  /// A bare repository that every commit is pushed to, for platforms that build what is pushed.
  package internal(set) var origin: String?

  package init(environment: String? = nil) async throws {
    scratch = try ScratchDirectory()
    variables = [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": scratch.path,
      "LANG": "C.UTF-8",
      "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_AUTHOR_NAME": "Ann",
      "GIT_AUTHOR_EMAIL": "ann@example.com", "GIT_COMMITTER_NAME": "Ann",
      "GIT_COMMITTER_EMAIL": "ann@example.com",
      "USER": "ann", "PYTHONDONTWRITEBYTECODE": "1",
    ].merging(Checkout.sanitizerOptions) { own, _ in own }
    try scratch.write(
      environment
        ?? String(contentsOfFile: Checkout.root + "/Tests/Support/two-services.yaml", encoding: .utf8),
      to: "project/environments/demo.yaml")
    try scratch.write(
      String(contentsOfFile: Checkout.root + "/demo/app/server.py", encoding: .utf8),
      to: "project/app/server.py")
    try scratch.write(".shipit/\n__pycache__/\n", to: "project/.gitignore")
    try await git("init", "-q", "-b", "main", ".")
    try await commit("first")
  }

  /// Replaces text in a tracked file.
  package func change(_ file: String, _ old: String, _ new: String) throws {
    let text = try scratch.read("project/" + file)
    guard text.contains(old) else {
      throw ProcessError(code: .other, description: "\(file) holds no “\(old)”")
    }
    try scratch.write(text.replacingOccurrences(of: old, with: new), to: "project/" + file)
  }

  package func write(_ text: String, to file: String) throws {
    try scratch.write(text, to: "project/" + file)
  }

  /// Gives it an origin, a bare repository beside it, that every commit is pushed to from now on.
  package mutating func publish() async throws {
    let path = scratch.path + "/origin.git"
    try await git("init", "-q", "--bare", "-b", "main", path)
    try await git("--git-dir", path, "config", "uploadpack.allowFilter", "true")
    try await git("remote", "add", "origin", "file://" + path)
    origin = path
  }

  /// Commits everything and gives the full id.
  @discardableResult
  package func commit(_ subject: String) async throws -> String {
    try await git("add", "-A")
    try await git("commit", "-q", "--allow-empty", "-m", subject)
    if origin != nil { try await git("push", "-q", "origin", "main") }
    return try await git("rev-parse", "HEAD")
  }

  @discardableResult
  package func git(_ arguments: String...) async throws -> String {
    let result = try await Launcher().run(
      ProcessSpecification("git", arguments, environment: variables, directory: path))
    guard result.exit.isSuccess else { throw ProcessError(code: .other, description: result.errorText) }
    return result.text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
