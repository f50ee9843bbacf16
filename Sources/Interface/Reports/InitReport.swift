import Model

/// What `init --workflows` did with each file.
package struct InitReport: Report {
  package static let kind = "init"

  package enum State: String, Codable, Sendable, Hashable {
    case written
    /// It was there, and the same.
    case unchanged
    /// It was there, differs, and was left alone.
    case kept
    /// It was there, differed, and was written anew.
    case replaced
  }

  package struct File: Codable, Sendable, Hashable {
    package var path: String
    package var state: State
    /// From what was there to what shipit writes; empty when there was nothing, or the same.
    package var difference: [String]

    package init(path: String, state: State, difference: [String] = []) {
      self.path = path
      self.state = state
      self.difference = difference
    }
  }

  package var files: [File]

  package init(_ files: [File]) { self.files = files }

  /// Some file is not what shipit would write.
  package var isPartial: Bool { files.contains { $0.state == .kept } }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = files.flatMap { InitReport.fileLines($0, symbols) }
    lines.append(.empty)
    lines.append(
      isPartial
        ? .labelled(
          "next", [.accent("shipit init --workflows --force"), ", to take shipit's lines"], indent: 0)
        : .labelled("next", ["set what each of them asks for at its top, and commit them"], indent: 0))
    return lines
  }

  /// What became of one file, and how it differs.
  static func fileLines(_ file: File, _ symbols: Symbols) -> [Line] {
    let line =
      switch file.state {
      case .written: Line(.good("\(symbols.good) written    "), Span(file.path))
      case .unchanged: Line(.faint("\(symbols.same) unchanged  \(file.path)"))
      case .replaced: Line(.warning("\(symbols.change) replaced   "), Span(file.path))
      case .kept:
        Line(
          .warning("\(symbols.warning) kept       "), Span(file.path),
          .faint("  differs, and was not touched"))
      }
    return [line] + file.difference.map(shown)
  }

  private static func shown(_ line: String) -> Line {
    switch line.first {
    case "+": Line("    ", Span(line, .add))
    case "-": Line("    ", Span(line, .remove))
    default: Line(.faint("    \(line)"))
    }
  }
}

/// The lines that differ between two texts, with two of the lines around them.
package enum LineDifference {
  package static func lines(from old: String, to new: String, context: Int = 2) -> [String] {
    let before = old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let after = new.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let difference = after.difference(from: before)
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for change in difference {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var rows: [(mark: Character, text: String)] = []
    var (i, j) = (0, 0)
    while i < before.count || j < after.count {
      if i < before.count, removed.contains(i) {
        rows.append(("-", before[i]))
        i += 1
      } else if j < after.count, inserted.contains(j) {
        rows.append(("+", after[j]))
        j += 1
      } else {
        if i < before.count { rows.append((" ", before[i])) }
        i += 1
        j += 1
      }
    }
    let changed = rows.indices.filter { rows[$0].mark != " " }
    var shown: [String] = []
    var last = -1
    for index in rows.indices
    where changed.contains(where: { abs($0 - index) <= context }) {
      if index > last + 1 { shown.append("@@") }
      shown.append("\(rows[index].mark) \(rows[index].text)")
      last = index
    }
    return shown
  }
}
