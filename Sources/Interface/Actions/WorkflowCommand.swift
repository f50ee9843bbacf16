/// One command to the runner of GitHub Actions: `::name key=value::data` on a line of its own
/// (contract github §7.2).
///
/// The runner reads commands on both streams, so that they may stand where the text they belong to stands.
package struct WorkflowCommand: Sendable, Hashable {
  package var name: String
  package var properties: [(key: String, value: String)]
  package var data: String

  package init(_ name: String, _ properties: [(key: String, value: String)] = [], _ data: String = "") {
    self.name = name
    self.properties = properties
    self.data = data
  }

  package static func == (left: Self, right: Self) -> Bool { left.line == right.line }
  package func hash(into hasher: inout Hasher) { hasher.combine(line) }

  /// The line to print.
  package var line: String {
    let fields = properties.map { "\($0.key)=\(Self.escapedProperty($0.value))" }.joined(separator: ",")
    return "::\(name)\(fields.isEmpty ? "" : " " + fields)::\(Self.escaped(data))"
  }

  package static func group(_ title: String) -> WorkflowCommand { WorkflowCommand("group", [], title) }
  package static let endGroup = WorkflowCommand("endgroup")

  /// Commands that make the runner hide a value, and every line of one that has several.
  ///
  /// Values and lines under four characters are left out: they would blank out half of the log.
  package static func masks(_ value: String) -> [WorkflowCommand] {
    let lines = value.split(whereSeparator: \.isNewline).map { trimmed($0) }
    var seen: Set<String> = []
    return ([value] + (lines.count > 1 || lines.first != value ? lines : []))
      .filter { $0.count >= shortestMask && seen.insert($0).inserted }
      .map { WorkflowCommand("add-mask", [], $0) }
  }

  private static let shortestMask = 4

  private static func trimmed(_ line: Substring) -> String {
    var line = line.drop { $0.isWhitespace }
    while line.last?.isWhitespace == true { line.removeLast() }
    return String(line)
  }

  /// `%` first, so that what the others become is not escaped again.
  private static func escaped(_ text: String) -> String {
    text.replacing("%", with: "%25").replacingLineEnds()
  }

  private static func escapedProperty(_ text: String) -> String {
    escaped(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
  }
}

extension WorkflowCommand {
  /// Text as it may be printed beside commands: no line of it is one.
  ///
  /// A line is a command when it begins with `::` after blanks, and also when it holds `##[` anywhere, the older
  /// form that the runner still reads. A carriage return ends a line for the runner.
  package static func neutralised(_ text: String) -> String {
    guard text.contains("::") || text.contains("##[") else { return text }
    var result = String.UnicodeScalarView()
    var isAtStart = true
    var colons = 0
    for scalar in text.unicodeScalars {
      if lineEnds.contains(scalar) {
        isAtStart = true
        colons = 0
      } else if scalar == ":", isAtStart {
        colons += 1
        if colons == 2 {
          result.insert("\\", at: result.index(before: result.endIndex))
          isAtStart = false
        }
      } else if colons > 0 || !scalar.properties.isWhitespace {
        isAtStart = false
      }
      result.append(scalar)
    }
    return String(result).replacing("##[", with: "##\\[")
  }

  /// A line of JSON as it may be printed there: the same value in other letters.
  package static func neutralised(json line: String) -> String {
    // Outside of a text these three never stand together.
    line.replacing("##[", with: "##\\u005b")
  }

  private static let lineEnds: Set<Unicode.Scalar> = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]
}

extension String {
  /// Line ends as the runner wants them in data. Character by character `\r\n` would be one.
  fileprivate func replacingLineEnds() -> String {
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar {
      case "\r": result.append(contentsOf: "%0D".unicodeScalars)
      case "\n": result.append(contentsOf: "%0A".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
