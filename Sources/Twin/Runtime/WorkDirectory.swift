import Archive
import Dispatch
import FoundationEssentials
import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The directory of what a twin runs, for its owner's eyes only; with `snapshots/`, `images/`, `volumes/` when
/// services are deployed into it.
struct WorkDirectory: Sendable {
  let path: String

  /// - Parameter folders: made in it.
  init(folders: [String] = ["snapshots", "images", "volumes"]) throws {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array((base + "/shipit-twin-XXXXXX").utf8CString)
    // Created with mode 0700.
    guard mkdtemp(&template) != nil else {
      throw Refusal("cannot make a directory in \(base): \(String(cString: strerror(errno)))")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for name in folders {
      try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: false)
    }
  }

  /// Unpacks an uploaded archive into its snapshot.
  /// - Throws: `ArchiveRefused` when it is no gzip-compressed tar archive or would leave the directory.
  func unpack(_ archive: [UInt8], as id: String) async throws {
    guard archive.starts(with: [0x1F, 0x8B]) else {
      throw ArchiveRefused(message: "The archive is not compressed by gzip")
    }
    let target = path + "/snapshots/" + id
    // Disk and decompression would block a thread of the cooperative pool.
    let problem: String? = await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        do {
          try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
          try ArchiveReader(bytes: archive).extract(to: target)
          continuation.resume(returning: nil)
        } catch {
          continuation.resume(returning: String(describing: error))
        }
      }
    }
    if let problem { throw ArchiveRefused(message: "The archive cannot be read: \(problem)") }
  }

  /// Where the commands of a deployment run.
  func workplace(of job: Job) -> String {
    let image = path + "/images/" + job.image
    guard let root = job.settings.rootDirectory, !root.isEmpty, root != "/", root != "." else { return image }
    return image + "/" + root.drop { $0 == "/" }
  }

  /// Where a volume lies; made when first asked for.
  func volume(_ id: String) throws -> String {
    let place = path + "/volumes/" + id
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    return place
  }

  /// Copies what a deployment is made of to the place of its image.
  func copySource(of job: Job) async throws {
    let source: String
    switch job.source {
    case .archive(let id): source = path + "/snapshots/" + id
    case .image(_, let directory): source = directory ?? ""
    case .commit(_, _, let directory): source = directory
    case .revision(let commit, let repository): return try await export(commit, of: repository, to: job)
    }
    let target = path + "/images/" + job.image
    guard !source.isEmpty else {
      return try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    }
    let result = try await Launcher().run(
      ProcessSpecification(
        "/bin/sh", ["-c", #"mkdir -p -- "$2" && cp -R -p -- "$1/." "$2/""#, "copy", source, target],
        environment: ["PATH": "/usr/bin:/bin"]))
    guard result.exit.isSuccess else { throw Refusal("cannot copy \(source): \(result.errorText)") }
  }

  /// Writes the files of a commit to the place of its image.
  private func export(_ commit: String, of repository: String, to job: Job) async throws {
    let target = path + "/images/" + job.image
    let script = #"""
      mkdir -p -- "$3" && git -C "$1" archive --format=tar -o "$3.tar" "$2" && tar -x -f "$3.tar" -C "$3" &&
        rm -f -- "$3.tar"
      """#
    let search = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    let result = try await Launcher().run(
      ProcessSpecification(
        "/bin/sh", ["-c", script, "export", repository, commit, target],
        environment: [
          "PATH": search, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "LC_ALL": "C",
        ]))
    guard result.exit.isSuccess else { throw Refusal("cannot read \(commit): \(result.errorText)") }
  }
}
