import FoundationEssentials
import Interface
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

enum InitCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    return await EnvironmentCommand.guarded(console) {
      guard invocation.has("workflows") else { return try await AdoptCommand.run(invocation, console) }
      let top = try repository(invocation)
      let report = InitReport(
        try Embedded.workflows.map { try write($0, below: top, force: invocation.has("force")) })
      console.result(report)
      return report.isPartial ? .usage : .done
    }
  }

  /// GitHub reads workflows at the top of the repository, which may lie above the project.
  static func repository(_ invocation: Invocation) throws(Failure) -> String {
    let candidates = try Project.candidates(invocation)
    let start = Project.home(candidates) ?? candidates.first ?? "."
    var directory = start
    while true {
      if access(directory + "/.git", F_OK) == 0 { return directory }
      guard let slash = directory.lastIndex(of: "/"), slash != directory.startIndex else { return start }
      directory = String(directory[..<slash])
    }
  }

  /// Writes one file below the repository's top. One that is there and differs is only replaced when told to.
  static func write(
    _ file: EmbeddedFile, below top: String, force: Bool
  ) throws(Failure) -> InitReport.File {
    let path = "\(top)/\(file.name)"
    do {
      if access(path, F_OK) == 0 {
        let present = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        if present == file.text { return .init(path: file.name, state: .unchanged) }
        // What somebody wrote into it by hand may be anything.
        let difference = LineDifference.lines(from: present, to: file.text).map(SecretLooks.masked(line:))
        guard force else { return .init(path: file.name, state: .kept, difference: difference) }
        try Data(file.text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        return .init(path: file.name, state: .replaced, difference: difference)
      }
      let folder = path[..<(path.lastIndex(of: "/") ?? path.endIndex)]
      try FileManager.default.createDirectory(
        atPath: String(folder), withIntermediateDirectories: true)
      try Data(file.text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
      return .init(path: file.name, state: .written)
    } catch {
      throw Failure(
        .configuration, "\(file.name) cannot be written", place: path,
        cause: String(cString: strerror(errno)),
        hint: "see to the rights of the directory, then the same command again")
    }
  }
}
