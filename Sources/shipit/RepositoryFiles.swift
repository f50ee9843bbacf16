import Adoption
import FoundationEssentials
import Processes
import Source

/// Reads a repository from disk: the files git tracks, or all there are where there is no git.
enum RepositoryFiles {
  static func tree(at root: String) async -> FileTree {
    let tracked = await TrackedFiles.find(root: root, process: processEnvironment(), launcher: Launcher())
    // Before the first `git add` nothing is tracked, and everything is there.
    let paths = tracked.flatMap { $0.paths.isEmpty ? nil : $0.paths } ?? walk(root)
    var texts: [String: String] = [:]
    for path in paths where FileTree.isRead(path) {
      let file = URL(fileURLWithPath: "\(root)/\(path)")
      guard let bytes = try? Data(contentsOf: file), bytes.count <= FileTree.largest else { continue }
      texts[path] = String(decoding: bytes, as: UTF8.self)
    }
    let remote = tracked?.remote
    return FileTree(
      name: name(remote) ?? last(root), hasRemote: remote != nil, repository: repository(remote),
      paths: paths, texts: texts)
  }

  /// `acme/shop` of `git@github.com:acme/shop.git`.
  private static func repository(_ remote: String?) -> String? {
    let parts = (remote ?? "").split(whereSeparator: { $0 == "/" || $0 == ":" }).suffix(2)
    guard parts.count == 2, let owner = parts.first, let name = name(remote) else { return nil }
    return "\(owner)/\(name)"
  }

  /// `shop` of `git@github.com:acme/shop.git`.
  private static func name(_ remote: String?) -> String? {
    guard var name = remote?.split(whereSeparator: { $0 == "/" || $0 == ":" }).last.map(String.init) else {
      return nil
    }
    if name.hasSuffix(".git") { name = String(name.dropLast(4)) }
    return name.isEmpty ? nil : name
  }

  private static func last(_ root: String) -> String {
    root.split(separator: "/").last.map(String.init) ?? "app"
  }

  /// Without git, files that nobody would commit are told by their folders alone.
  private static func walk(_ root: String) -> [String] {
    var paths: [String] = []
    var open = [""]
    while let folder = open.popLast(), paths.count < 100_000 {
      let place = folder.isEmpty ? root : "\(root)/\(folder)"
      for name in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] {
        let path = folder.isEmpty ? name : "\(folder)/\(name)"
        var isFolder = false
        guard FileManager.default.fileExists(atPath: "\(root)/\(path)", isDirectory: &isFolder) else {
          continue
        }
        if !isFolder {
          // Whether a `.env` is committed is not known here.
          if name != ".env" { paths.append(path) }
        } else if !FileTree.isForeign(path + "/x") {
          open.append(path)
        }
      }
    }
    return paths
  }
}
