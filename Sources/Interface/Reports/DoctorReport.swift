package import Model

/// What `doctor` says: everything it looked at, one by one.
package struct DoctorReport: Report {
  package static let kind = "doctor"

  package var environment: String?
  package var overrides: [Override]
  package var examinations: [Examination]

  package init(environment: String? = nil, _ examinations: [Examination], overrides: [Override] = []) {
    self.environment = environment
    self.examinations = examinations
    self.overrides = overrides
  }

  /// Nothing looked at was bad.
  package var isHealthy: Bool { !examinations.contains { $0.verdict == .bad } }

  /// What the command ends with: rights go before configuration, and both before what may pass by itself.
  package var exit: ExitCode {
    let bad = examinations.filter { $0.verdict == .bad }.map { $0.because ?? .configuration }
    if bad.contains(.authentication) { return .authentication }
    if bad.contains(.configuration) { return .usage }
    return bad.first.map { Failure($0, "").exitCode } ?? .done
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    let width = min(26, examinations.map(\.subject.columns).max() ?? 0)
    let signs = max(symbols.good.columns, symbols.bad.columns)
    var lines = overrides.map(\.line)
    var group: String?
    for examination in examinations {
      if examination.group != group, let title = examination.group {
        lines += (lines.isEmpty ? [] : [.empty]) + [Line(.strong(title))]
        group = title
      }
      let sign: Span =
        switch examination.verdict {
        case .good: .good(symbols.good)
        case .warning: .warning(symbols.warning)
        case .bad: .bad(symbols.bad)
        case .skipped: .faint(symbols.none)
        }
      let blank = String(repeating: " ", count: signs - sign.text.columns + 1)
      let padding = String(repeating: " ", count: max(0, width - examination.subject.columns))
      let hanging = signs + 1 + width + 2
      lines.append(
        Line(
          [sign, Span(blank), .strong(examination.subject), Span("\(padding)  \(examination.detail)")],
          overflow: .wrap(hanging: hanging)))
      if let hint = examination.hint {
        lines.append(
          Line(
            [Span(String(repeating: " ", count: hanging)), .accent(hint)], overflow: .wrap(hanging: hanging)))
      }
    }
    let bad = examinations.count { $0.verdict == .bad }
    let warnings = examinations.count { $0.verdict == .warning }
    let good = examinations.count { $0.verdict == .good }
    let last: Span = bad > 0 ? .bad("\(bad) bad") : .good("nothing bad")
    return lines + [.empty, Line(last, Span(", \(count(warnings, "warning")), \(good) good"))]
  }
}
