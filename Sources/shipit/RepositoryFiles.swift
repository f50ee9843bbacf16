import Adoption
import FoundationEssentials
import Processes
import Source

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Reads a repository from disk: the files git tracks, or all there are where there is no git.
enum RepositoryFiles {
  static func tree(at root: String) async -> FileTree {
    let tracked = await TrackedFiles.find(root: root, process: processEnvironment(), launcher: Launcher())
    // Before the first `git add` nothing is tracked, and everything is there.
    let paths = tracked.flatMap { $0.paths.isEmpty ? nil : $0.paths } ?? walk(root)
    var texts: [String: String] = [:]
    var unread: [String: String] = [:]
    for path in paths where FileTree.isRead(path) {
      switch text(path, below: root) {
      case .success(let text): texts[path] = text
      case .failure(let refusal): unread[path] = refusal.reason
      }
    }
    let remote = tracked?.remote
    return FileTree(
      name: name(remote) ?? last(root), hasRemote: remote != nil, repository: repository(remote),
      paths: paths, texts: texts, unread: unread)
  }

  /// Why a file is not read, as the rest of a sentence about it.
  private struct Refusal: Error { var reason: String }

  /// The text of a file of the repository. What stands elsewhere is none of its files, whatever leads there.
  private static func text(_ path: String, below root: String) -> Result<String, Refusal> {
    guard let real = whole("\(root)/\(path)"), let top = whole(root) else {
      return .failure(Refusal(reason: "cannot be read: nothing stands where it leads"))
    }
    let prefix = top == "/" ? top : top + "/"
    guard real.hasPrefix(prefix) else {
      return .failure(Refusal(reason: "is a link that leads out of the repository: it is not followed"))
    }
    let inner = String(real.dropFirst(prefix.count))
    guard inner == path || !FileTree.isEnvironmentFile(inner) else {
      return .failure(Refusal(reason: "is a link to \(inner), which is never opened"))
    }
    var status = stat()
    guard stat(real, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return .failure(Refusal(reason: "is no file that could be read"))
    }
    guard status.st_size <= FileTree.largest else {
      return .failure(Refusal(reason: "is larger than \(FileTree.largest / 1024) KiB: it is not read"))
    }
    guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: real)) else {
      return .failure(Refusal(reason: "cannot be opened"))
    }
    guard !bytes.contains(0) else { return .failure(Refusal(reason: "is no text in UTF-8: it is not read")) }
    return .success(String(decoding: bytes, as: UTF8.self))
  }

  /// A path with every link in it followed; nil where it leads nowhere.
  private static func whole(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
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
        let isLink = (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/\(path)")) != nil
        guard FileManager.default.fileExists(atPath: "\(root)/\(path)", isDirectory: &isFolder) else {
          continue
        }
        if !isFolder {
          // Whether a `.env` is committed is not known here.
          if name != ".env" { paths.append(path) }
        } else if !isLink, !FileTree.isForeign(path + "/x") {
          open.append(path)
        }
      }
    }
    return paths
  }
}
