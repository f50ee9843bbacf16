package import Concurrency
package import Model

/// Every secret of an environment: where it comes from, who uses it, and when it is due. Never a value.
package struct SecretListReport: Report {
  package static let kind = "secrets"

  package struct Secret: Codable, Sendable, Hashable {
    package enum Kind: String, Codable, Sendable, Hashable {
      /// shipit's own access: to a platform, a ledger.
      case account
      case variable, database
      /// Of whoever is told of deploys.
      case notification
      /// Required by name, and used by nothing in the file.
      case required
      /// Of jobs of GitHub Actions, or what they are written with.
      case github
    }

    package var name: String
    package var kind: Kind
    /// Nil: no source has a value.
    package var source: String?
    /// The source's own version of it.
    package var version: String?
    /// Keyed: it tells equal values of this environment and name from different ones, and nothing else.
    package var fingerprint: String?
    package var usedBy: [String]
    package var platforms: [PlatformName]
    /// The first release that recorded this value; nil where none did.
    package var since: Moment?
    package var due: Moment?

    package init(
      name: String, kind: Kind, source: String?, version: String? = nil, fingerprint: String?,
      usedBy: [String],
      platforms: [PlatformName], since: Timestamp?, due: Timestamp?
    ) {
      self.name = name
      self.kind = kind
      self.source = source
      self.version = version
      self.fingerprint = fingerprint
      self.usedBy = usedBy
      self.platforms = platforms
      self.since = since.map(Moment.init)
      self.due = due.map(Moment.init)
    }
  }

  package var environment: String
  package var now: Moment
  package var secrets: [Secret]

  package init(environment: String, now: Timestamp, secrets: [Secret]) {
    self.environment = environment
    self.now = Moment(now)
    self.secrets = secrets
  }

  /// No source has them.
  package var missing: [String] { secrets.filter { $0.source == nil }.map(\.name) }
  /// They should have been replaced by now.
  package var due: [String] {
    secrets.filter { $0.due.map { $0.timestamp <= now.timestamp } ?? false }.map(\.name)
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    guard !secrets.isEmpty else { return [Line([Span("\(environment) uses no secrets")])] }
    var lines = [
      Line([.strong("\(environment)"), .faint("  \(count(secrets.count, "secret")), no values shown")]),
      .empty,
    ]
    for secret in secrets { lines += self.lines(of: secret, symbols) }
    if !missing.isEmpty || !due.isEmpty { lines.append(.empty) }
    if !missing.isEmpty {
      lines.append(
        .labelled("missing", [.bad(missing.joined(separator: ", "))], indent: 0))
    }
    if !due.isEmpty { lines.append(.labelled("due", [.warning(due.joined(separator: ", "))], indent: 0)) }
    return lines
  }

  private func lines(of secret: Secret, _ symbols: Symbols) -> [Line] {
    let sign: Span = secret.source == nil ? .bad("\(symbols.bad) ") : .good("\(symbols.good) ")
    var head: [Span] = [sign, .strong(secret.name), .faint("  \(secret.kind.rawValue)")]
    if let fingerprint = secret.fingerprint { head.append(.faint("  \(fingerprint.prefix(12))")) }
    var lines = [Line(head, overflow: .wrap(hanging: 2))]
    let version = secret.version.map { ", version \($0)" } ?? ""
    lines.append(
      .labelled(
        "from", [secret.source.map { Span("\($0)\(version)") } ?? .bad("no source has it")], indent: 2,
        width: 8))
    let places = secret.usedBy.isEmpty ? "nothing" : secret.usedBy.joined(separator: ", ")
    let platforms = secret.platforms.map(\.title).joined(separator: ", ")
    lines.append(
      .labelled(
        "used", [Span(places), .faint(platforms.isEmpty ? "" : "  on \(platforms)")], indent: 2, width: 8))
    if let due = secret.due?.timestamp {
      let isDue = due <= now.timestamp
      let words = "rotation \(isDue ? "was due" : "due") \(due.iso8601.prefix(10))"
      lines.append(
        .labelled("age", [isDue ? .warning(words) : Span(words), .faint(age(secret))], indent: 2, width: 8))
    } else if let since = secret.since {
      lines.append(
        .labelled(
          "age", [Span("deployed \(since.timestamp.relative(to: now.timestamp))")], indent: 2, width: 8))
    }
    return lines
  }

  private func age(_ secret: Secret) -> String {
    secret.since.map { ", deployed \($0.timestamp.relative(to: now.timestamp))" } ?? ""
  }
}

/// How the stored secrets of services stand to their sources.
package struct SecretDiffReport: Report {
  package static let kind = "secrets-diff"

  package struct Entry: Codable, Sendable, Hashable {
    /// Nil for a secret of GitHub Actions.
    package var service: ServiceName?
    package var platform: PlatformName?
    /// Nil for a variable of a service.
    package var github: ActionsSecretsPlace?
    package var variable: String
    package var secret: String
    package var state: StoredSecretState
  }

  package var environment: String
  package var entries: [Entry]
  package var notes: [String]

  package init(environment: String, _ secrets: [StoredSecret], notes: [String] = []) {
    self.environment = environment
    self.notes = notes
    entries = secrets.map { stored in
      var entry = Entry(variable: stored.variable, secret: stored.secret, state: stored.state)
      switch stored.sink {
      case .service(let service, let platform): (entry.service, entry.platform) = (service, platform)
      case .actions(let place): entry.github = place
      }
      return entry
    }
  }

  /// Something would be written by `secrets sync`.
  package var isDifferent: Bool {
    entries.contains { [.differs, .missing, .unknown].contains($0.state) }
  }

  package func lines(_ symbols: Symbols) -> [Line] {
    guard !entries.isEmpty else { return [Line([Span("no service of \(environment) has a secret")])] }
    var lines: [Line] = []
    var last: Line?
    for entry in entries {
      let heading = heading(entry)
      if heading != last {
        if last != nil { lines.append(.empty) }
        lines.append(heading)
        last = heading
      }
      let from = entry.secret == entry.variable ? "" : "  from \(entry.secret)"
      let (sign, words) = wording(entry.state, symbols)
      lines.append(
        Line(
          [Span("  "), sign, Span(entry.variable), .faint(from), Span("  "), words],
          overflow: .wrap(hanging: 4)))
    }
    if !notes.isEmpty { lines.append(.empty) }
    lines += notes.flatMap { Line.warning($0, symbols.warning) }
    if isDifferent {
      lines += [
        .empty, .labelled("next", [.accent("shipit secrets sync \(environment), or deploy")], indent: 0),
      ]
    }
    return lines
  }

  private func heading(_ entry: Entry) -> Line {
    if let place = entry.github { return Line(.strong("GitHub Actions"), .faint("  of \(place.words)")) }
    let platform = entry.platform.map { "  on \($0.title)" } ?? ""
    return Line(.strong(entry.service?.rawValue ?? ""), .faint(platform))
  }

  private func wording(_ state: StoredSecretState, _ symbols: Symbols) -> (Span, Span) {
    switch state {
    case .same: (.good("\(symbols.good) "), .faint("same"))
    case .differs: (.warning("\(symbols.warning) "), .warning("differs"))
    case .kept: (.good("\(symbols.good) "), .faint("kept there, and in no source"))
    case .missing: (.bad("\(symbols.bad) "), .bad("missing"))
    case .unreadable:
      (
        .good("\(symbols.good) "),
        .faint("cannot be read back; shipit wrote this value, and nobody wrote since")
      )
    case .unknown:
      (
        .warning("\(symbols.warning) "),
        .warning("cannot be read back; the last write was not of this value, or not shipit's")
      )
    }
  }
}
