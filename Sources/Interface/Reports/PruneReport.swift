package import Model

/// What `prune` shows: what stands beside what the file names.
package struct PruneReport: Report {
  package static let kind = "prune"

  package var environment: String
  /// What is about to be removed; nil: nothing, it is only shown.
  package var removes: Surplus.Kind?
  package var surplus: [Surplus]

  package init(environment: String, kind: Surplus.Kind?, surplus: [Surplus]) {
    self.environment = environment
    removes = kind
    self.surplus = surplus
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    guard !surplus.isEmpty else {
      let what = removes.map { "no \($0.rawValue) stand" } ?? "nothing stands"
      return [Line(.good("\(what) beside what environments/\(environment).yaml names"))]
    }
    var lines = [Line(.strong("beside what environments/\(environment).yaml names"))]
    for kind in Surplus.Kind.allCases {
      let group = surplus.filter { $0.kind == kind }
      if group.isEmpty { continue }
      lines += group.enumerated().map { index, item in
        var spans: [Span] = [
          item.kept == nil ? Span("\(symbols.remove) \(item.words)", .remove) : .faint("  \(item.words)")
        ]
        if let kept = item.kept { spans.append(.faint("  stays: \(kept)")) }
        return .labelled(index == 0 ? kind.rawValue : "", spans, width: 13)
      }
    }
    if removes == nil {
      let kinds = Surplus.Kind.allCases.filter { kind in
        surplus.contains { $0.kind == kind && $0.kept == nil }
      }
      lines += kinds.map { .labelled("to remove", [.accent("shipit prune \(environment) \($0.rawValue)")]) }
    }
    return lines
  }
}
