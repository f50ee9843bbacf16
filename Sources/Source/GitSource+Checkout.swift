import FoundationEssentials
import Model
import Processes

extension GitSource {
  /// Writes a clean checkout with a repository of its own that borrows this one's objects.
  func checkOut(_ commit: String, to directory: String) async throws(Failure) -> String {
    let paths = try await git.output(
      ["rev-parse", "--path-format=absolute", "--git-path", "objects", "--git-path", "shallow"]
    ).text.split(separator: "\n").map(String.init)
    guard paths.count == 2 else { throw Failure(.failed, "git rev-parse gave an answer that cannot be read") }
    let private_ = ["GIT_DIR": directory + "/.git", "GIT_WORK_TREE": directory]
    _ = try await git.output(["init", "--quiet", directory])
    do {
      try Data((paths[0] + "\n").utf8).write(to: URL(filePath: directory + "/.git/objects/info/alternates"))
      // The cut of a shallow clone, without which its history would look broken.
      if let shallow = try? Data(contentsOf: URL(filePath: paths[1])) {
        try shallow.write(to: URL(filePath: directory + "/.git/shallow"))
      }
    } catch {
      throw Failure(.failed, "a checkout cannot be written to \(directory)", cause: "\(error)")
    }
    // The caller's hooks and filters have no business in a checkout of ours.
    _ = try await git.output(
      [
        "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false", "checkout", "--quiet",
        "--detach", commit,
      ],
      variables: private_)
    var inner = prefix
    while inner.hasSuffix("/") { inner.removeLast() }
    return inner.isEmpty ? directory : directory + "/" + inner
  }
}
