package import Model

/// The files of migrations as the project's repository has them: those of a commit, or of the working tree.
package struct ProjectMigrations: MigrationFiles {
  private let source: GitSource?
  private let root: String

  /// - Parameters:
  ///   - source: nil outside of a repository, where only the tree as it lies here can be read.
  ///   - root: the project's.
  package init(source: GitSource?, root: String) {
    self.source = source
    self.root = root
  }

  package func names(
    in directory: String, commit: String, isDirty: Bool
  ) async throws(Failure) -> [String]? {
    let directory = normalised(directory)
    let all: [SourceEntry]
    if let source, !isDirty {
      guard try await source.bring(commit),
        try await source.missing(directories: [directory], in: commit).isEmpty
      else {
        return nil
      }
      all = try await source.entries(of: directory, commit: commit)
    } else {
      do { all = try await listed(directory) } catch { return nil }
    }
    return all.filter { entry in
      guard case .file = entry.kind else { return false }
      // Deep enough for the applications of one project, such as `apps/shop/migrations/0001_initial.py`.
      return entry.path.count { $0 == "/" } <= 6
    }.map(\.path).sorted()
  }

  package func texts(
    of paths: [String], commit: String, isDirty: Bool
  ) async throws(Failure) -> [String: String] {
    guard !paths.isEmpty else { return [:] }
    var texts: [String: String] = [:]
    guard let source, !isDirty else {
      for path in paths {
        let bytes: [UInt8]
        do { bytes = try await read(path) } catch {
          throw Failure(.configuration, "the file \(path) cannot be read", place: path, cause: "\(error)")
        }
        texts[path] = try text(bytes[...], path)
      }
      return texts
    }
    // All files of each directory are listed once; only the wanted ones are read.
    var entries: [SourceEntry] = []
    for directory in Set(paths.map { $0.split(separator: "/").dropLast().joined(separator: "/") }).sorted() {
      for var entry in try await source.entries(of: directory, commit: commit) {
        entry.path = directory.isEmpty ? entry.path : "\(directory)/\(entry.path)"
        if paths.contains(entry.path), case .file = entry.kind { entries.append(entry) }
      }
    }
    for (entry, bytes) in zip(entries, try await source.objects(of: entries)) {
      texts[entry.path] = try text(bytes, entry.path)
    }
    return texts
  }

  private func text(_ bytes: ArraySlice<UInt8>, _ path: String) throws(Failure) -> String {
    guard let text = String(validating: bytes, as: UTF8.self), !text.contains("\0") else {
      throw Failure(
        .configuration, "the file \(path) is no text in UTF-8", place: path, hint: "save it as UTF-8")
    }
    return text
  }

  private func listed(_ directory: String) async throws -> [SourceEntry] {
    if let source { return try await source.workingEntries(of: directory) }
    let place = directory.isEmpty ? root : "\(root)/\(directory)"
    return try await offPool { try WorkingTree(directory: place).files() }
  }

  private func read(_ path: String) async throws -> [UInt8] {
    let file = "\(root)/\(path)"
    return try await offPool { try WorkingTree.bytes(of: file, isLink: false) }
  }

  private func normalised(_ directory: String) -> String {
    directory.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
  }
}
