package import Model

/// What `preview` says in the end: where each service of the preview answers.
package struct PreviewReport: Report {
  package static let kind = "preview"

  package struct ServiceLine: Codable, Sendable, Hashable {
    package var service: ServiceName
    package var platform: PlatformName
    package var commit: String
    package var proof: Proof
    /// Nil: nobody asks it from outside.
    package var url: String?
  }

  package var app: String
  package var name: String
  /// The environment it is a preview of.
  package var base: String
  package var branch: String?
  package var release: Int
  package var commit: String
  package var subject: String
  package var services: [ServiceLine]
  /// What was left out, and why.
  package var notes: [String]

  /// - Parameter release: the preview's newest one.
  package init(_ release: Release, of origin: PreviewOrigin, notes: [String]) {
    app = release.app
    name = release.environment
    base = origin.base
    branch = origin.branch
    self.release = release.number
    commit = release.commit
    subject = release.subject
    self.notes = notes
    let order = release.order.isEmpty ? release.services.keys.sorted() : release.order
    services = order.compactMap { key in
      release.services[key].map {
        ServiceLine(
          service: key, platform: $0.target.platform, commit: $0.commit, proof: $0.proof, url: $0.address)
      }
    }
  }

  /// The address of what goes live last, where people look.
  package var url: String? { services.last { $0.url != nil }?.url }

  /// The command that takes it away.
  package var removal: String { "shipit preview \(base) --name \(name) --delete" }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines = [
      Line(
        .good(symbols.good), Span(" preview "), .strong(name), Span(" of \(base)  "),
        .accent(short(commit)), Span(" \(subject)"))
    ]
    let width = services.map(\.service.rawValue.columns).max() ?? 0
    lines += services.map { line in
      .labelled(
        line.service.rawValue,
        [
          line.url.map { .accent($0) } ?? .faint("no address"),
          Span(line.commit == commit ? "" : "  \(short(line.commit))", .warning),
          Span("  " + line.proof.words, line.proof.role),
        ], width: width + 2, role: .strong)
    }
    lines.append(.labelled("delete it", [.accent(removal)]))
    return lines
  }
}

/// What `preview --delete` says.
package struct PreviewRemovalReport: Report {
  package static let kind = "preview-removal"

  package var name: String
  package var base: String
  /// In the order in which they went.
  package var deleted: [PreviewPart]

  package init(name: String, base: String, deleted: [PreviewPart]) {
    self.name = name
    self.base = base
    self.deleted = deleted
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    guard !deleted.isEmpty else {
      return [Line(.good(symbols.good), Span(" nothing of the preview \(name) of \(base) is there"))]
    }
    return [
      Line(
        .good(symbols.good),
        Span(" the preview \(name) of \(base) is gone; \(base) and everything else is as it was"))
    ] + deleted.map { .labelled("deleted", [Span($0.words)]) }
  }
}
