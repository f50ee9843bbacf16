import FoundationEssentials
import Language
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The project a command works in: its root directory and its environment files.
struct Project: Sendable {
  let root: String

  /// - Throws: `Failure` of kind configuration when there is no project here.
  init(_ invocation: Invocation) throws(Failure) {
    let candidates = try Project.candidates(invocation)
    guard let root = Project.home(candidates) else {
      throw Failure(
        .configuration, "there is no environments/ here or in any directory above",
        hint: "change into the project, or name it: --root DIR")
    }
    self.root = root
  }

  init(root: String) { self.root = root }

  /// The directories in which a project may be: the one that was named, else this one and those above.
  static func candidates(_ invocation: Invocation) throws(Failure) -> [String] {
    if let root = invocation.value("root") {
      guard access(root, R_OK | X_OK) == 0 else {
        throw Failure(
          .configuration, "\(root) cannot be read", place: "--root", cause: String(cString: strerror(errno)),
          hint: "name the directory that holds environments/")
      }
      return [absolute(root)]
    }
    var directories = [absolute(".")]
    while let directory = directories.last, directory != "/", let slash = directory.lastIndex(of: "/") {
      directories.append(slash == directory.startIndex ? "/" : String(directory[..<slash]))
    }
    return directories
  }

  /// The nearest candidate with environment files. One that was named is taken as it is.
  static func home(_ candidates: [String]) -> String? {
    candidates.count == 1
      ? candidates.first : candidates.first { access($0 + "/environments", R_OK) == 0 }
  }

  /// The path with every link resolved; as it is when there is nothing there.
  static func absolute(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Reads an environment with everything that is wrong with it.
  func read(_ name: String) -> ReadResult {
    EnvironmentReader(root: root).read(name: name)
  }

  /// The environments that have a file here.
  var environments: [String] { EnvironmentReader(root: root).list() }

  /// An environment that a command can act on.
  /// - Throws: `Refused` after its diagnostics were printed.
  func environment(_ name: String, _ console: Console) throws(Refused) -> Model.Environment {
    let result = read(name)
    guard result.unsupported.isEmpty, let environment = result.environment else {
      Diagnostics.print(result, console, root: root, unsupportedIsError: true)
      throw Refused()
    }
    return environment
  }
}

extension Model.Environment {
  /// - Throws: `Failure` of kind configuration when the file declares nothing that could be deployed, as one that `init`
  ///   wrote and nobody has decided yet.
  func requireContent() throws(Failure) {
    guard services.isEmpty, databases.isEmpty, run.isEmpty, checks.isEmpty, (rollouts ?? []).isEmpty else {
      return
    }
    throw Failure(
      .configuration, "no service yet: \(name) declares nothing to deploy",
      place: "environments/\(name).yaml",
      cause: "what `shipit init` could not decide stands there behind `#`, with a `?`",
      hint: "decide it, take the marks away, then: shipit validate \(name)")
  }
}

/// A command that ends with 2 after everything has been said.
struct Refused: Error {}
