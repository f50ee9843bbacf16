import Language
import YAML

/// A file is written for people to go on with, so it is valid, whatever odd things other files say: a line that the
/// language refuses becomes a question with the reason, and its neighbours count.
enum Validity {
  /// The text, with what `validate` would refuse behind `#`.
  static func assured(_ text: String, environment: String) -> String {
    var lines = text.lines
    // Each round takes at least one line away from what counts.
    for _ in 0..<40 {
      let file = WrittenFile(environment: environment, text: lines.joined(separator: "\n"))
      let result = EnvironmentReader(root: "", files: file).read(name: environment)
      let faults = result.diagnostics.filter { $0.severity == .error }
        .map { (line: $0.mark.line, message: $0.message) }.sorted { $0.line > $1.line }
      guard !faults.isEmpty else { break }
      var isChanged = false
      for fault in faults where doubt(fault.line - 1, because: fault.message, in: &lines) { isChanged = true }
      guard isChanged else { break }
    }
    return lines.joined(separator: "\n")
  }

  /// Puts a line and what belongs to it behind `#`; false where there is no such line, or it is one of the top.
  private static func doubt(_ index: Int, because message: String, in lines: inout [String]) -> Bool {
    guard lines.indices.contains(index) else { return false }
    let indent = lines[index].prefix { $0 == " " }.count
    guard indent > 0, !lines[index].dropFirst(indent).hasPrefix("#") else { return false }
    var end = index + 1
    while end < lines.count, lines[end].prefix(while: { $0 == " " }).count > indent { end += 1 }
    let margin = String(repeating: " ", count: indent)
    for place in index..<end { lines[place] = margin + "# " + lines[place].dropFirst(indent) }
    lines.insert(margin + "# ? " + EnvironmentText.oneLine(message) + ":", at: index)
    return true
  }
}

/// The file that would be written, in memory.
private struct WrittenFile: FileSource {
  var environment: String
  var text: String

  func read(_ path: String) throws -> [UInt8] {
    guard path == "\(EnvironmentReader.directory)/\(environment).yaml" else {
      throw FileFailure(reason: "there is no such file")
    }
    return Array(text.utf8)
  }

  func names(in directory: String) throws -> [String] {
    directory == EnvironmentReader.directory ? ["\(environment).yaml"] : []
  }
}
