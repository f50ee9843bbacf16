import Model

extension PlanReport {
  /// A flag is set by it although no service changes.
  var changesRollouts: Bool { rollouts.contains { $0.change == .begin || $0.change == .restart } }
}

extension PlannedRollout {
  /// What happens to its flag, and by what.
  func lines(_ symbols: Symbols) -> [Line] {
    var lines: [Line] = [.empty]
    let head = [Span.strong(key), .faint("  rollout \(symbols.dot) \(flag)")]
    switch change {
    case .begin:
      lines.append(Line([Span("\(symbols.add) ", .add)] + head))
      lines.append(.labelled("begins", [Span("with \(ladder(symbols)), once the release is proven")]))
    case .restart:
      lines.append(Line([Span("\(symbols.change) ", .change)] + head))
      lines.append(
        .labelled(
          "restarts", [Span("the bake of \(share?.description ?? "its first step"); the share stays")]))
    case .leave:
      let words = reason ?? share.map { "at \($0), goes on" } ?? "goes on"
      return lines + [Line(.faint("\(symbols.same) \(key)  rollout, \(words)"))]
    case .refuse:
      lines.append(Line([.warning("\(symbols.warning) ")] + head))
      lines.append(.labelled("stays off", [.warning(reason ?? "it is over")]))
      return lines
    case .off:
      return [
        Line(
          [Span("\(symbols.back) ", .change)] + head
            + [Span("  \(share.map { "\($0) → " } ?? "")off, before any code")])
      ]
    }
    let gates = gates.isEmpty ? "none: time alone raises it" : gates.joined(separator: "; ")
    return lines + [.labelled("gates", [Span(gates)])]
      + (warnings ?? []).map { .labelled("note", [.warning($0)]) }
  }

  private func ladder(_ symbols: Symbols) -> String {
    steps.map(\.description).joined(separator: " \(symbols.arrow) ")
  }
}
