package import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Packs directory sources: the tracked files of a commit, plus built files that `include` names.
///
/// With `dirty` the working tree's tracked files; outside of git all files that no ignore file excludes.
/// Equal files give an equal archive, whatever machine packs them.
package struct CommitPacker: SourcePacker {
  private let root: String
  private let source: GitSource?
  private let isDirty: Bool
  private let temporaryDirectory: String

  /// - Parameters:
  ///   - root: the project's root.
  ///   - source: the repository; nil outside of git.
  ///   - dirty: pack the tracked files as they lie in the working tree.
  ///   - temporaryDirectory: where archives are written, in a private directory `shipit-UID`.
  package init(root: String, source: GitSource?, dirty: Bool = false, temporaryDirectory: String = "/tmp") {
    self.root = root
    self.source = source
    isDirty = dirty
    self.temporaryDirectory = temporaryDirectory
  }

  package func pack(
    path: String, root subdirectory: String?, include: [String], commit: String
  ) async throws(Failure) -> PackedSource {
    let path = try Self.normalised(path)
    do {
      let entries = try await entries(of: path, include: include, commit: commit)
      try check(entries, path, subdirectory)
      return try await write(entries)
    } catch {
      throw .packing(error)
    }
  }

  /// The revision of a project outside of git: what its packed sources hold.
  /// - Parameter sources: path and include globs of every directory source.
  package func revision(of sources: [(path: String, include: [String])]) async throws(Failure) -> String {
    try await PlainRevision.of(sources, packer: self)
  }

  // MARK: What is packed

  private func entries(
    of path: String, include: [String], commit: String
  ) async throws -> [SourceEntry] {
    let directory = path.isEmpty ? root : "\(root)/\(path)"
    let tree = WorkingTree(directory: directory)
    var entries: [SourceEntry]
    if let source {
      entries =
        isDirty
        ? try await source.workingEntries(of: path) : try await source.entries(of: path, commit: commit)
      entries = try await source.applyingIgnoreFiles(entries.filter { !$0.isDropped })
    } else {
      entries = try await offPool { try tree.unignoredFiles() }
    }
    let built = try await offPool { try IncludedFiles(tree: tree, patterns: include).entries() }
    let known = Set(entries.map(\.path))
    entries += built.filter { !known.contains($0.path) }
    // By bytes: the order of texts depends on the version of Unicode.
    return entries.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  private func check(_ entries: [SourceEntry], _ path: String, _ subdirectory: String?) throws(Failure) {
    let refused = entries.compactMap { entry in
      FileRules.refusal(entry).map { RefusedFile(path: entry.path, reason: $0) }
    }
    guard refused.isEmpty else { throw .refused(refused) }
    let place = path.isEmpty ? "." : path
    guard !entries.isEmpty else {
      throw Failure(
        .configuration, "there is nothing to pack in \(place)",
        cause: source == nil
          ? "no file, or all are ignored" : "the commit holds no file there, or all are ignored",
        hint: "commit the files, or correct `source.directory`")
    }
    guard let subdirectory else { return }
    let wanted = try Self.normalised(subdirectory)
    guard wanted.isEmpty || entries.contains(where: { $0.path.hasPrefix(wanted + "/") }) else {
      throw Failure(
        .configuration, "the source has no directory \(subdirectory) in \(place)",
        hint: "correct `source.root`; it counts from `source.directory`")
    }
  }

  /// A relative path without `.` and empty names; empty for the directory itself.
  private static func normalised(_ path: String) throws(Failure) -> String {
    let names = path.split(separator: "/").filter { $0 != "." }
    guard !path.hasPrefix("/"), !names.contains("..") else {
      throw Failure(
        .configuration, "\(path) leads out of the project", hint: "give a directory below the project's root")
    }
    return names.joined(separator: "/")
  }

  // MARK: Writing

  /// Bytes of git objects held in memory at once.
  private static let batchBytes = 16 << 20
  private static let batchFiles = 4000

  private func write(_ entries: [SourceEntry]) async throws -> PackedSource {
    let file = try privateFile()
    do {
      let archive = try TreeArchive(file: file)
      var start = 0
      while start < entries.count {
        var end = start
        var bytes = 0
        while end < entries.count, end - start < Self.batchFiles,
          end == start || bytes + entries[end].objectSize <= Self.batchBytes
        {
          bytes += entries[end].objectSize
          end += 1
        }
        let batch = Array(entries[start..<end])
        let objects = try await source?.objects(of: batch) ?? []
        try await archive.add(batch, objects: objects)
        try Task.checkCancellation()
        start = end
      }
      return try await archive.finish()
    } catch {
      unlink(file)
      throw error
    }
  }

  /// An empty file in a directory that only this user can enter.
  private func privateFile() throws(Failure) -> String {
    let directory = try privateDirectory()
    sweep(directory)
    var template = Array("\(directory)/source-XXXXXX.tar.gz".utf8CString)
    let descriptor = mkstemps(&template, 7)
    guard descriptor >= 0 else { throw unwritable(directory, errno) }
    close(descriptor)
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// An archive that is so old was left by a process that was killed: no upload takes an hour.
  private static let oldest = 3600

  /// Removes what killed processes left.
  private func sweep(_ directory: String) {
    guard let stream = opendir(directory) else { return }
    defer { closedir(stream) }
    while let item = readdir(stream) {
      let name = withUnsafeBytes(of: item.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      var status = stat()
      let file = "\(directory)/\(name)"
      guard name.hasPrefix("source-"), name.hasSuffix(".tar.gz"), lstat(file, &status) == 0,
        status.st_mode & S_IFMT == S_IFREG, time(nil) - modified(status) > CommitPacker.oldest
      else { continue }
      unlink(file)
    }
  }

  /// Seconds since 1970.
  private func modified(_ status: stat) -> Int {
    #if canImport(Darwin)
      status.st_mtimespec.tv_sec
    #else
      status.st_mtim.tv_sec
    #endif
  }

  private func privateDirectory() throws(Failure) -> String {
    let directory = "\(temporaryDirectory)/shipit-\(geteuid())"
    if mkdir(directory, 0o700) == 0 { return directory }
    let fault = errno
    var status = stat()
    // What another user put there under this name is not trusted.
    guard fault == EEXIST, lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
      status.st_uid == geteuid(), status.st_mode & 0o077 == 0 || chmod(directory, 0o700) == 0
    else { throw unwritable(directory, fault) }
    return directory
  }

  private func unwritable(_ directory: String, _ fault: Int32) -> Failure {
    Failure(
      .failed, "the packed source cannot be kept in \(directory)", cause: String(cString: strerror(fault)),
      hint: "remove what is in the way, or set TMPDIR to a directory that only you can write to")
  }
}
