/// Help texts from the argument table.
struct Help {
  let table: [CommandSpecification]

  /// The overview.
  var overview: String {
    let width = table.map(\.name.count).max() ?? 0
    var lines = [
      "shipit takes a product from a commit to proven live in production, and back again when it must.", "",
      "usage: shipit COMMAND [ENV] [options]", "", "commands:",
    ]
    lines += table.map { "  " + padded($0.name, width) + "  " + $0.summary }
    lines += ["", "shipit COMMAND --help tells more, with examples.", "Exit codes: docs/exit-codes.md."]
    return lines.joined(separator: "\n")
  }

  /// One command's page.
  func page(_ command: CommandSpecification) -> String {
    let arguments = command.positionals.map { $0.isOptional ? "[\($0.name)]" : $0.name }
    var lines = [
      "shipit \(command.name): \(command.summary)", "",
      "usage: " + (["shipit", command.name] + arguments + ["[options]"]).joined(separator: " "),
    ]
    if !command.discussion.isEmpty { lines += [""] + wrapped(command.discussion, 78) }
    if !command.positionals.isEmpty {
      lines += ["", "arguments:"]
      lines += columns(command.positionals.map { ($0.name, $0.help) })
    }
    lines += ["", "options:"]
    lines += columns(
      (command.options + commonOptions).map { option in
        ("--\(option.name)" + (option.value.map { " \($0)" } ?? ""), option.help)
      })
    lines += ["", "examples:"]
    lines += command.examples.map { "  \($0)" }
    return lines.joined(separator: "\n")
  }

  private func columns(_ rows: [(String, String)]) -> [String] {
    let width = min(rows.map(\.0.count).max() ?? 0, 24)
    return rows.flatMap { name, help in
      let pieces = wrapped(help, 76 - width)
      return pieces.enumerated().map { index, piece in
        "  " + padded(index == 0 ? name : "", width) + "  " + piece
      }
    }
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private func wrapped(_ text: String, _ width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty && line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return lines + (line.isEmpty ? [] : [line])
  }
}
