import FoundationEssentials
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A file of `NAME=value` lines. One that does not exist holds nothing: where secrets come from the process
/// environment alone, as in CI, nobody needs it.
struct DotenvSource: SecretSource {
  let file: String
  /// The path as it is written.
  let shown: String
  let dialect: DotenvDialect

  var description: String { shown }

  func read(_ names: Set<String>) async throws(Failure) -> SecretAnswer {
    guard let bytes = try content() else { return SecretAnswer(note: "which does not exist") }
    var answer = SecretAnswer()
    if let warning = exposure { answer.warnings.append(warning) }
    for (name, value) in try parsed(bytes).values where names.contains(name) {
      answer.readings[name] = SecretReading(value)
    }
    return answer
  }

  /// - Throws: `configuration` for what cannot be read, or could be read in two ways.
  func parsed(_ bytes: [UInt8]) throws(Failure) -> Dotenv {
    do throws(Dotenv.Mistake) { return try Dotenv(bytes, dialect: dialect) } catch {
      throw Failure(
        .configuration, "\(shown) cannot be read: \(error.message)", place: "\(shown):\(error.line)",
        hint: error.help)
    }
  }

  /// nil: there is no such file.
  func content() throws(Failure) -> [UInt8]? {
    do {
      return Array(try Data(contentsOf: URL(fileURLWithPath: file)))
    } catch {
      guard FileManager.default.fileExists(atPath: file) else { return nil }
      throw Failure(
        .configuration, "\(shown) cannot be read", place: shown, hint: "ls -l \(shown), for who may read it")
    }
  }

  private var exposure: String? {
    var status = stat()
    guard stat(file, &status) == 0, status.st_mode & 0o077 != 0 else { return nil }
    return "\(shown) can be read by others of this machine: chmod 600 \(shown)"
  }
}
