import YAML

/// Where an environment file, or a base of it, says where the ledger is kept.
package struct StateLine: Sendable {
  /// Relative to the project's root.
  package var file: String
  package var line: Int
  /// The line as it stands.
  package var old: String
  /// The line with another ledger; nil when the value takes more than this line.
  package var new: String?
  /// The whole file with that line.
  package var text: String?

  /// - Parameters:
  ///   - files: names and contents of the environment's file, then of its bases.
  ///   - value: what `state:` is to be, as YAML on one line.
  /// - Returns: nil when none of the files has the key.
  package init?(in files: [(name: String, bytes: [UInt8])], replacedBy value: String) {
    for (name, bytes) in files {
      guard let entry = Document(bytes: bytes, name: name).root?.mapping?["state"] else { continue }
      var lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      let (key, mark) = (entry.keyMark, entry.value.mark)
      guard lines.indices.contains(key.line - 1) else { return nil }
      file = name
      line = key.line
      let scalars = Array(lines[key.line - 1].unicodeScalars.filter { $0 != "\r" })
      old = StateLine.text(scalars[...])
      guard mark.line == key.line, mark.endLine == key.line, mark.endColumn - 1 <= scalars.count else {
        return
      }
      let changed =
        StateLine.text(scalars.prefix(mark.column - 1)) + value
        + StateLine.text(scalars.dropFirst(mark.endColumn - 1))
      new = changed
      let isWindows = lines[key.line - 1].unicodeScalars.last == "\r"
      lines[key.line - 1] = changed + (isWindows ? "\r" : "")
      text = lines.joined(separator: "\n")
      return
    }
    return nil
  }

  private static func text(_ scalars: some Sequence<UnicodeScalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
}
