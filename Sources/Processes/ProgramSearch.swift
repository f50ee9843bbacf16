#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Finds the file to execute, and says precisely why there is none.
///
/// `posix_spawn` answers ENOENT for a missing program, a missing directory and a missing interpreter
/// alike, so these are told apart here.
package struct ProgramSearch {
  /// Where the child will start; relative paths count from there.
  var directory: String?
  /// The value of `PATH` in the child's environment.
  var path: String?

  package init(directory: String? = nil, path: String?) {
    self.directory = directory
    self.path = path
  }

  /// The path to hand to the system.
  /// - Throws: `ProcessError` with `badDirectory`, `notFound` or `notPermitted`.
  package func locate(_ program: String) throws -> String {
    try checkDirectory()
    guard !program.isEmpty else {
      throw ProcessError(code: .notFound, description: "no program is named")
    }
    if program.utf8.contains(UInt8(ascii: "/")) {
      switch look(at: program) {
      case .executable: return program
      case .absent:
        throw ProcessError(code: .notFound, description: "there is no program \(seen(program))")
      case .refused(let reason):
        throw ProcessError(code: .notPermitted, description: "cannot execute \(seen(program)): \(reason)")
      }
    }
    return try searchPath(program)
  }

  private func searchPath(_ program: String) throws -> String {
    let searched = path ?? "/usr/bin:/bin"
    var refusal: String?
    for folder in searched.split(separator: ":", omittingEmptySubsequences: false) {
      let candidate = folder.isEmpty ? "./\(program)" : "\(folder)/\(program)"
      switch look(at: candidate) {
      case .executable: return candidate
      case .absent: continue
      case .refused(let reason): refusal = refusal ?? "cannot execute \(seen(candidate)): \(reason)"
      }
    }
    if let refusal { throw ProcessError(code: .notPermitted, description: refusal) }
    throw ProcessError(
      code: .notFound, description: "there is no program \(program) in PATH (\(searched)); is it installed?")
  }

  private func checkDirectory() throws {
    guard let directory else { return }
    var information = stat()
    guard stat(directory, &information) == 0 else {
      let reason = String(cString: strerror(errno))
      throw ProcessError(code: .badDirectory, description: "cannot start in \(directory): \(reason)")
    }
    guard information.st_mode & S_IFMT == S_IFDIR else {
      throw ProcessError(code: .badDirectory, description: "cannot start in \(directory): not a directory")
    }
    guard access(directory, X_OK) == 0 else {
      let reason = String(cString: strerror(errno))
      throw ProcessError(code: .badDirectory, description: "cannot start in \(directory): \(reason)")
    }
  }

  private enum Finding {
    case executable
    case absent
    case refused(String)
  }

  private func look(at candidate: String) -> Finding {
    let place = seen(candidate)
    var information = stat()
    guard stat(place, &information) == 0 else {
      return errno == EACCES ? .refused(String(cString: strerror(EACCES))) : .absent
    }
    guard information.st_mode & S_IFMT == S_IFREG else { return .refused("not a file") }
    guard access(place, X_OK) == 0 else { return .refused(String(cString: strerror(errno))) }
    return .executable
  }

  /// `candidate` as seen from here: the child resolves it after changing its directory.
  private func seen(_ candidate: String) -> String {
    guard let directory, !candidate.hasPrefix("/") else { return candidate }
    return "\(directory)/\(candidate)"
  }
}
