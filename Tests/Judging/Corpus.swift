package import Adoption
import FoundationEssentials
package import JSON

/// Real repositories, reduced to their configuration, with what a careful engineer expects of each.
package struct Corpus: Sendable {
  package struct Case: Sendable {
    /// `owner/name`.
    package var repository: String
    package var tree: FileTree
    package var expected: JSON
  }

  package var cases: [Case]

  /// Where the corpus is: named by SHIPIT_CORPUS, else beside the checkout.
  package static var place: String {
    let environment = ProcessInfo.processInfo.environment
    return environment["SHIPIT_CORPUS"] ?? FileManager.default.currentDirectoryPath + "/../shared/corpus"
  }

  /// Nil when there is none at that place.
  package init?(at place: String = Corpus.place) {
    let files = FileManager.default
    guard let folders = try? files.contentsOfDirectory(atPath: place) else { return nil }
    cases = folders.sorted().compactMap { folder in
      let root = "\(place)/\(folder)"
      guard let bytes = files.contents(atPath: "\(root)/expected.json"),
        let expected = try? JSON(parsing: bytes), let repository = expected["repository"]?.string
      else { return nil }
      return Case(
        repository: repository, tree: Corpus.tree(at: root, repository), expected: expected)
    }
    guard !cases.isEmpty else { return nil }
  }

  private static func tree(at root: String, _ repository: String) -> FileTree {
    var paths: [String] = []
    var open = [""]
    while let folder = open.popLast() {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")) ?? [] {
        let path = folder.isEmpty ? name : "\(folder)/\(name)"
        var isFolder = false
        _ = FileManager.default.fileExists(atPath: "\(root)/\(path)", isDirectory: &isFolder)
        if isFolder { open.append(path) } else { paths.append(path) }
      }
    }
    paths.removeAll { ["expected.json", "SOURCE.txt"].contains($0) }
    var texts: [String: String] = [:]
    for path in paths where FileTree.isRead(path) {
      guard let bytes = FileManager.default.contents(atPath: "\(root)/\(path)") else { continue }
      texts[path] = String(decoding: bytes, as: UTF8.self)
    }
    let name = repository.split(separator: "/").last.map(String.init) ?? repository
    return FileTree(name: name, paths: paths, texts: texts)
  }
}
