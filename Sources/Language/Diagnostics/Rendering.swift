package import YAML

/// Diagnostics as text in the manner of rustc: what, where, the source line, a caret under it, and help.
package struct DiagnosticRenderer: Sendable {
  /// The parts of the text that a terminal may colour.
  package enum Role: Sendable, Hashable { case error, warning, note, gutter, help, emphasis }

  /// The files the marks point into, by name.
  package var files: [String: SourceFile]
  /// Columns to fit into; at least 40 are used.
  package var width: Int
  /// Wraps a piece of text in the codes of its role; returns it as it is when there is no colour.
  package var style: @Sendable (Role, String) -> String

  package init(
    files: [SourceFile], width: Int = 100,
    style: @escaping @Sendable (Role, String) -> String = { _, text in text }
  ) {
    self.files = Dictionary(files.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.width = max(width, 40)
    self.style = style
  }

  /// All diagnostics, each followed by an empty line, and their count. Empty when there are none.
  package func render(_ diagnostics: [Diagnostic]) -> String {
    guard !diagnostics.isEmpty else { return "" }
    let concealed = diagnostics.filter(\.conceals).map(\.mark)
    // Said once, not below each of a dozen notes.
    let isRefused = diagnostics.contains { $0.code == .notSupported && $0.severity == .note }
    let refusal = isRefused ? "`plan` and `deploy` refuse what is not supported yet" : nil
    let end = [summary(diagnostics)] + (refusal.map { wrapped($0, first: 0, indent: 0) } ?? [])
    return diagnostics.map { render($0, concealed: concealed) + "\n" }.joined()
      + end.joined(separator: "\n") + "\n"
  }

  /// `2 errors, 1 note`.
  package func summary(_ diagnostics: [Diagnostic]) -> String {
    Diagnostic.Severity.allCases.compactMap { severity in
      let count = diagnostics.count { $0.severity == severity }
      return count == 0 ? nil : "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
    }.joined(separator: ", ")
  }

  private func render(_ diagnostic: Diagnostic, concealed: [Mark]) -> String {
    let role: Role =
      switch diagnostic.severity {
      case .error: .error
      case .warning: .warning
      case .note: .note
      }
    let marks = [diagnostic.mark] + diagnostic.related.map(\.mark)
    let gutter = String(marks.map(\.line).max() ?? 1).count
    let head = "\(diagnostic.severity.rawValue)[\(diagnostic.code.rawValue)]"
    var lines = wrapped(": " + printable(diagnostic.message), first: head.count, indent: 2)
    lines[0] = style(role, head) + style(.emphasis, lines[0])
    lines += snippet(
      diagnostic.mark, arrow: "-->", caret: "^", role: role, gutter: gutter, concealed: concealed, title: nil)
    for related in diagnostic.related {
      lines += snippet(
        related.mark, arrow: ":::", caret: "-", role: .note, gutter: gutter, concealed: concealed,
        title: printable(related.message))
    }
    if let help = diagnostic.help {
      let lead = String(repeating: " ", count: gutter + 1) + "= "
      var text = wrapped("help: " + printable(help), first: lead.count, indent: lead.count + 6)
      text[0] = style(.gutter, lead) + style(.help, "help:") + text[0].dropFirst(5)
      lines += text
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func snippet(
    _ mark: Mark, arrow: String, caret: Character, role: Role, gutter: Int, concealed: [Mark], title: String?
  ) -> [String] {
    let blank = String(repeating: " ", count: gutter)
    // Line 0: the file as a whole.
    let place = printable(mark.line == 0 ? mark.file : mark.description)
    var lines = ["\(blank)\(style(.gutter, arrow)) \(place)" + (title.map { ": \($0)" } ?? "")]
    guard var text = files[mark.file]?.line(mark.line) else { return lines }
    var mark = mark
    var concealed = concealed
    if text.utf8.count > 4096 { (text, mark, concealed) = Row.window(text, mark, concealed) }
    let hidden =
      concealed.filter { $0.file == mark.file && ($0.line...$0.endLine).contains(mark.line) }
      + LiteralSecret.words(in: text).map { column, length in
        Mark(file: mark.file, line: mark.line, column: column, endColumn: column + length)
      }
    let row = Row(text, mark: mark, concealed: hidden).clipped(to: width - gutter - 3)
    let number = String(mark.line)
    let padding = String(repeating: " ", count: gutter - number.count)
    lines.append(style(.gutter, "\(blank) |"))
    lines.append(style(.gutter, "\(padding)\(number) |") + (row.text.isEmpty ? "" : " \(row.text)"))
    let pointer = String(repeating: caret, count: row.length)
    lines.append(
      style(.gutter, "\(blank) |") + String(repeating: " ", count: row.start + 1) + style(role, pointer))
    return lines
  }

  /// Breaks at blanks where the width ends; the first line has `first` columns less, the others an indentation.
  private func wrapped(_ text: String, first: Int, indent: Int) -> [String] {
    var lines: [String] = []
    var current = ""
    var used = first
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      let length = word.reduce(0) { $0 + Cells.width(of: $1) }
      if !current.isEmpty && used + 1 + length > width {
        lines.append(current)
        current = String(repeating: " ", count: indent) + word
        used = indent + length
      } else {
        if !current.isEmpty || !lines.isEmpty {
          current += " "
          used += 1
        }
        current += word
        used += length
      }
    }
    return lines + [current]
  }

  /// Text from the file may hold escape sequences, which are shown, not sent, and secrets, which are not shown.
  private func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(LiteralSecret.masked(text).unicodeScalars.map(Cells.visible)))
  }
}
