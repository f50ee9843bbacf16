import JSON
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Build output of Vercel's own tool, ready to upload (contract §2.5).
enum Prebuilt {
  static let output = ".vercel/output"

  /// The files of `.vercel/output` below `directory`, and those its functions refer to. Blocks on the disk.
  /// - Throws: `Failure` of kind configuration when it is no output for production, or holds what must not leave.
  static func files(_ directory: String, shown: String) throws(Failure) -> [SourceFile] {
    let top = "\(directory)/\(output)"
    guard fileBytes("\(top)/config.json") != nil else {
      throw Failure(
        .configuration, "there is no build output in \(shown)/\(output)",
        place: "\(shown)/\(output)/config.json",
        hint:
          "build it first: `vercel build --prod --standalone`, or let shipit do it with `source: {directory: …, build: cli}`"
      )
    }
    if let builds = fileBytes("\(top)/builds.json").flatMap({ try? JSON(parsing: $0) }),
      let target = builds["target"]?.string, target != "production"
    {
      throw Failure(
        .configuration, "the build output in \(shown)/\(output) was built for \(target)",
        place: "\(shown)/\(output)/builds.json",
        hint: "build it for production: `vercel build --prod --standalone`")
    }
    var files = try SourceFiles.list(top, prefix: output + "/")
    let known = Set(files.map(\.name))
    for reference in try references(files, shown) where !known.contains(reference) {
      let path = "\(directory)/\(reference)"
      guard access(path, R_OK) == 0 else {
        throw Failure(
          .configuration, "the build output in \(shown) refers to \(reference), which is not there",
          place: "\(shown)/\(output)",
          hint: "build it so that it stands alone: `vercel build --prod --standalone`")
      }
      files.append(try SourceFiles.file(path, reference))
    }
    try refuseVariables(in: files, shown)
    return files
  }

  /// Files outside of the output that functions name.
  private static func references(_ files: [SourceFile], _ shown: String) throws(Failure) -> [String] {
    var names: Set<String> = []
    for file in files where file.name.hasSuffix("/.vc-config.json") {
      guard case .file(let path) = file.content,
        let map = fileBytes(path).flatMap({ try? JSON(parsing: $0) })?["filePathMap"]?.object
      else { continue }
      for case let name? in map.values.map(\.string) {
        let parts = name.split(separator: "/")
        guard !name.hasPrefix("/"), !parts.contains("..") else {
          throw Failure(
            .configuration, "the build output in \(shown) refers to \(name), outside of it", place: file.name,
            hint: "build it so that it stands alone: `vercel build --prod --standalone`")
        }
        names.insert(parts.filter { $0 != "." }.joined(separator: "/"))
      }
    }
    return names.sorted()
  }

  /// Files of variables in the output would be uploaded with their secrets (contract §11 #8).
  private static func refuseVariables(in files: [SourceFile], _ shown: String) throws(Failure) {
    let refused = files.map(\.name).filter { name in
      let last = name.split(separator: "/").last.map { $0.lowercased() } ?? ""
      return last.hasPrefix(".env")
        && ![".example", ".sample", ".template"].contains { last.hasSuffix($0) }
    }
    guard refused.isEmpty else {
      throw Failure(
        .configuration, "the build output in \(shown) holds files of variables, which usually hold secrets",
        place: "\(shown)/\(output)", cause: refused.prefix(10).joined(separator: ", "),
        hint: "keep them out of the build, for example out of the framework's traced files, and build again")
    }
  }
}
