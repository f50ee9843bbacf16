/// Anything else in the graph: a command run here.
package struct CommandStep: Sendable, Hashable, Codable {
  package var name: String
  /// Program and arguments; no shell.
  package var command: [String]
  package var needs: [String]
  package var timeout: Duration
  /// May be run again when it is not known whether it ended.
  package var repeatable: Bool

  package init(
    name: String, command: [String], needs: [String] = [], timeout: Duration = .seconds(600),
    repeatable: Bool = false
  ) {
    self.name = name
    self.command = command
    self.needs = needs
    self.timeout = timeout
    self.repeatable = repeatable
  }

  /// The name as it stands in step ids: lower case, blanks as hyphens.
  package var slug: String { String(name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" }) }
}

/// What must hold once everything is live; a failure rolls back.
package struct Check: Sendable, Hashable, Codable {
  package enum Kind: Sendable, Hashable, Codable {
    case http(url: Template, expect: HTTPExpectation)
    case command([String])
  }

  package var name: String
  package var kind: Kind
  package var timeout: Duration

  package init(name: String, kind: Kind, timeout: Duration = .seconds(60)) {
    self.name = name
    self.kind = kind
    self.timeout = timeout
  }

  package var slug: String { String(name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" }) }
}

/// What an http check must see.
package struct HTTPExpectation: Sendable, Hashable, Codable {
  /// Nil: any 2xx.
  package var status: Int?
  /// The longest time to the whole answer.
  package var within: Duration?
  /// Dotted path in the JSON answer → the text of the value.
  package var json: [String: String]
  package var headers: [String: String]

  package init(
    status: Int? = nil, within: Duration? = nil, json: [String: String] = [:], headers: [String: String] = [:]
  ) {
    self.status = status
    self.within = within
    self.json = json
    self.headers = headers
  }
}
