package import Model

/// What a plan does to one database, for people and programs.
package struct SchemaLine: Codable, Sendable, Hashable {
  package struct File: Codable, Sendable, Hashable {
    package var name: String
    package var path: String
    package var effect: MigrationEffect
    /// A comment of the file says so.
    package var isTagged: Bool
    package var findings: [MigrationFinding]
  }

  package var database: String
  /// Host, port and name.
  package var place: String
  package var tool: MigrationToolName
  /// The newest that is applied; nil: none.
  package var at: String?
  package var pending: [File]
  /// The services whose deploy applies them; nil: shipit does.
  package var appliedBy: [ServiceName]?

  package init(_ change: SchemaChange) {
    appliedBy = change.appliedBy
    database = change.database.key
    place = change.place
    tool = change.migrations.tool
    at = change.from
    pending = change.pending.map {
      File(name: $0.name, path: $0.path, effect: $0.effect, isTagged: $0.isTagged, findings: $0.findings)
    }
  }

  func lines(_ symbols: Symbols) -> [Line] {
    var lines = [
      Line(
        Span("\(symbols.change) ", .change), .strong("\(database) schema"),
        .faint("  \(tool.rawValue) · \(place)"))
    ]
    lines.append(
      .labelled("at", [Span("\(at ?? "nothing")"), .faint("; what is applied stays, whatever follows")]))
    if let appliedBy {
      let names = appliedBy.map(\.rawValue).joined(separator: ", ")
      lines.append(
        .labelled("applied by", [Span("the deploy of \(names)"), .faint("; proven when it is live")]))
    }
    for (index, file) in pending.enumerated() {
      let tag = file.isTagged ? ", as the file says" : ""
      lines.append(
        .labelled(
          index == 0 ? "pending" : "",
          [Span("\(file.name)  "), Span(file.effect.rawValue + tag, file.effect.role)]))
      for finding in file.findings { lines += finding.lines(symbols) }
    }
    return lines
  }
}

extension MigrationEffect {
  var role: Role {
    switch self {
    case .expand: .good
    case .data, .unknown: .warning
    case .contract: .bad
    }
  }
}

extension MigrationFinding {
  /// Its line, what it does, the lock, and the safer way.
  fileprivate func lines(_ symbols: Symbols) -> [Line] {
    var text = "line \(line): \(reason)"
    if let lock { text += "; takes \(lock)" + (blocks ? " for as long as it takes" : "") }
    if rewrites { text += "; writes the table anew" }
    let indent = String(repeating: " ", count: 15)
    var lines = [
      Line(
        [.faint(indent), effect == .expand && !blocks ? .faint(text) : Span(text)],
        overflow: .wrap(hanging: 17))
    ]
    if let safer {
      lines.append(Line([.faint(indent), .accent("safer: \(safer)")], overflow: .wrap(hanging: 17)))
    }
    return lines
  }
}

/// What `migrate status` says.
package struct MigrateReport: Report {
  package static let kind = "migrate-status"

  package struct Database: Codable, Sendable, Hashable {
    package var name: String
    package var place: String
    /// Of the server.
    package var version: String
    package var tool: MigrationToolName?
    package var at: String?
    package var applied: Int
    package var schema: SchemaLine?

    /// - Parameter change: what is pending; nil: nothing.
    package init(_ target: DatabaseTarget, _ observed: ObservedDatabase, pending change: SchemaChange?) {
      name = target.key
      place = observed.place
      version = observed.version
      tool = target.migrations?.tool
      at = observed.newest
      applied = observed.applied
      schema = change.map(SchemaLine.init)
    }
  }

  package var environment: String
  package var commit: String
  package var databases: [Database]
  package var notes: [String]

  package init(environment: String, commit: String, databases: [Database], notes: [String]) {
    self.environment = environment
    self.commit = commit
    self.databases = databases
    self.notes = notes
  }

  /// Something is not applied.
  package var isPending: Bool { databases.contains { $0.schema != nil } }

  package func lines(_ symbols: Symbols) -> [Line] {
    var lines: [Line] = []
    for database in databases {
      if !lines.isEmpty { lines.append(.empty) }
      if let schema = database.schema {
        lines += schema.lines(symbols)
      } else {
        let what =
          database.tool == nil
          ? "no migrations declared"
          : "at \(database.at ?? "nothing"), \(count(database.applied, "file")) applied, nothing pending"
        lines.append(
          Line(
            .good("\(symbols.good) "), .strong(database.name), Span("  \(what)"),
            .faint("  PostgreSQL \(database.version) · \(database.place)"), overflow: .wrap(hanging: 2)))
      }
    }
    if !notes.isEmpty { lines.append(.empty) }
    lines += notes.flatMap { Line.warning($0, symbols.warning) }
    if isPending { lines += [.empty, Line(.accent("next: shipit migrate up \(environment), or deploy"))] }
    return lines
  }
}

extension Line {
  /// A warning, which may have lines of its own: text to be copied stays as it is.
  static func warning(_ text: String, _ sign: String) -> [Line] {
    let parts = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let hanging = sign.columns + 1
    var lines = [Line(.warning("\(sign) "), Span(parts[0]), overflow: .wrap(hanging: hanging))]
    lines += parts.dropFirst().map { Line(Span(String(repeating: " ", count: hanging) + $0)) }
    return lines
  }
}
