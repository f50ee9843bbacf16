import FoundationEssentials
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension DotenvSource {
  var isWritable: Bool { true }

  /// Writes a new file beside it, for its owner alone, and puts it in the file's place when it reads back as it
  /// should: every line that was there, and the new values (contract secrets §2.2).
  func write(_ values: [String: Sensitive]) async throws(Failure) {
    let bytes = try content()
    let old = String(decoding: bytes ?? [], as: UTF8.self)
    let before = try parsed(bytes ?? []).values
    var text: String?
    // A line of the old value goes, where it is one; within quotes that span lines it is somebody else's.
    for candidate in [replacing(values, in: old), old] {
      let whole = try adding(values, to: candidate)
      if reads(whole, as: before.merging(values) { _, new in new }) {
        text = whole
        break
      }
    }
    guard let text else {
      throw Failure(
        .configuration, "\(shown) was not written: with the new lines it reads as something else",
        place: shown, hint: "look at its last lines: a quote may be open")
    }
    try replace(text, expected: bytes)
  }

  private func reads(_ text: String, as wanted: [String: Sensitive]) -> Bool {
    (try? parsed(Array(text.utf8)))?.values == wanted
  }

  private func replacing(_ values: [String: Sensitive], in text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.filter { line in
      guard let alone = (try? parsed(Array(line.utf8)))?.values, alone.count == 1, let name = alone.keys.first
      else { return true }
      return values[name] == nil
    }.joined(separator: "\n")
  }

  private func adding(_ values: [String: Sensitive], to text: String) throws(Failure) -> String {
    var text = text
    if !text.isEmpty, text.unicodeScalars.last != "\n" { text += "\n" }
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      let revealed = value.reveal()
      guard !revealed.unicodeScalars.contains("\0") else {
        throw Failure(.configuration, "the value of \(name) holds a zero byte, which no variable can hold")
      }
      let lines = DotenvSource.forms(of: revealed).map { "\(name)=\($0)\n" }
      guard let line = lines.first(where: { reads($0, as: [name: value]) }) else {
        throw Failure(
          .configuration,
          "\(shown) cannot hold \(name): "
            + (dialect == .strict
              ? "its value has quotes, backslashes or signs that parsers read differently"
              : "read as \(dialect.rawValue), it would be another value"),
          place: shown, hint: "keep it in another source, or generate one of letters and digits")
      }
      text += line
    }
    return text
  }

  /// The ways to write a value, the plainest first.
  private static func forms(of value: String) -> [String] {
    var escaped = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\n": escaped += "\\n"
      case "\r": escaped += "\\r"
      case "\"", "\\", "$": escaped += "\\\(scalar)"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return ["'\(value)'", escaped + "\"", "\"\(value)\"", value]
  }

  private func replace(_ text: String, expected: [UInt8]?) throws(Failure) {
    let copy = "\(file).shipit-\(getpid())"
    unlink(copy)
    guard PrivateFile.create(copy, Array(text.utf8)) else { throw unwritable() }
    guard try content() == expected else {
      unlink(copy)
      throw Failure(.stale, "\(shown) was not written: somebody else changed it meanwhile", place: shown)
    }
    guard rename(copy, file) == 0 else {
      let failure = unwritable()
      unlink(copy)
      throw failure
    }
  }

  private func unwritable() -> Failure {
    Failure(
      .failed, "\(shown) cannot be written", place: shown, cause: String(cString: strerror(errno)),
      hint: "ls -ld its directory, for who may write there")
  }
}
