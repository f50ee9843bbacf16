import FoundationEssentials
package import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What the secret sources of an environment hold. They are asked in the order of the file; the first that has a name
/// wins (DESIGN §3).
package struct SecretPool: Sendable {
  /// Files that others of this machine may read.
  package private(set) var warnings: [String] = []
  /// Where it was looked, for messages.
  private(set) var places: [String] = []
  private var values: [String: Sensitive] = [:]

  /// - Parameters:
  ///   - root: the project's; relative paths begin there.
  ///   - process: the variables of this process.
  /// - Throws: `configuration` for a file that cannot be read, or that could be read in two ways. One that does not
  ///   exist holds nothing: where secrets come from the process environment alone, as in CI, nobody needs it.
  package init(_ settings: SecretSettings, root: String, process: [String: String]) throws(Failure) {
    for source in settings.sources {
      switch source {
      case .environment:
        places.append("the environment of shipit")
        // A secret that is not set in GitHub Actions is an empty text: the next source may have it.
        for (name, value) in process where !value.isEmpty || settings.sources.last == source {
          add(name, Sensitive(value))
        }
      case .dotenv(let path, let dialect):
        let file = path.hasPrefix("/") ? path : "\(root)/\(path)"
        guard let bytes = try SecretPool.read(file, shown: path) else {
          places.append("\(path), which does not exist")
          continue
        }
        places.append(path)
        if let warning = SecretPool.exposure(of: file, shown: path) { warnings.append(warning) }
        let dialect = DotenvDialect(rawValue: dialect) ?? .strict
        do throws(Dotenv.Mistake) {
          for (name, value) in try Dotenv(bytes, dialect: dialect).values { add(name, value) }
        } catch {
          throw Failure(
            .configuration, "\(path) cannot be read: \(error.message)", place: "\(path):\(error.line)",
            hint: error.help)
        }
      }
    }
  }

  /// The variables of a process alone.
  package init(process: [String: String]) {
    places = ["the environment of shipit"]
    values = process.mapValues { Sensitive($0) }
  }

  subscript(name: String) -> Sensitive? { values[name] }

  private mutating func add(_ name: String, _ value: Sensitive) {
    if values[name] == nil { values[name] = value }
  }

  private static func read(_ file: String, shown: String) throws(Failure) -> [UInt8]? {
    do {
      return Array(try Data(contentsOf: URL(fileURLWithPath: file)))
    } catch {
      guard FileManager.default.fileExists(atPath: file) else { return nil }
      throw Failure(
        .configuration, "\(shown) cannot be read", place: shown, hint: "ls -l \(shown), for who may read it")
    }
  }

  private static func exposure(of file: String, shown: String) -> String? {
    var status = stat()
    guard stat(file, &status) == 0, status.st_mode & 0o077 != 0 else { return nil }
    return "\(shown) can be read by others of this machine: chmod 600 \(shown)"
  }
}
