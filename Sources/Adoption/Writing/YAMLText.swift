/// Texts as they are written in an environment file.
enum YAMLText {
  /// Plain where that is read back as the same text, else in double quotes.
  static func scalar(_ text: String) -> String {
    isPlain(text) ? text : quoted(text)
  }

  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.first, let last = text.last, !first.isWhitespace, !last.isWhitespace else {
      return false
    }
    let starts = first.isLetter || first.isNumber || "./_".contains(first)
    let isSafe = text.unicodeScalars.allSatisfy { scalar in
      scalar.isASCII && scalar.value >= 0x20 && scalar.value != 0x7F
        && !"\"'{}[]`,&*!|>%@#\\$".unicodeScalars.contains(scalar)
    }
    let words: Set<String> = ["null", "true", "false", "yes", "no", "on", "off", "~", ".", ".."]
    return starts && isSafe && !text.contains(": ") && last != ":" && !words.contains(text.lowercased())
      || text == "." || text == ".."
  }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
          let digits = String(scalar.value, radix: 16)
          result += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }

  /// The value of a variable: `${` is shipit's own there.
  static func variable(_ text: String) -> String {
    let escaped = text.replacing("${", with: "$${")
    return Double(escaped) != nil ? escaped : scalar(escaped)
  }

  static func list(_ texts: [String]) -> String { "[" + texts.map(inFlow).joined(separator: ", ") + "]" }

  private static func inFlow(_ text: String) -> String {
    text.contains(",") || text.contains(":") ? quoted(text) : scalar(text)
  }
}
