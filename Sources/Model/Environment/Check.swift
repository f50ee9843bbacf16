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
    /// Opens a WebSocket, says `send` when there is something to say, and looks at the messages that come.
    case websocket(url: Template, send: Template?, expect: MessageExpectation)
    /// A connection opens; `within` is the longest time for it.
    case tcp(address: Template, within: Duration?)
    /// The certificate is trusted, names the host, and is valid for at least so many days more.
    case tls(address: Template, days: Int)
    case dns(name: Template, expect: NameExpectation)
    case command([String])
  }

  package var name: String
  package var kind: Kind
  /// The budget: what can pass is asked again until it ends.
  package var timeout: Duration
  /// Asks many times and judges all the answers; http only.
  package var samples: Samples?

  package init(name: String, kind: Kind, timeout: Duration = .seconds(60), samples: Samples? = nil) {
    self.name = name
    self.kind = kind
    self.timeout = timeout
    self.samples = samples
  }

  package var slug: String { String(name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" }) }
}

/// How often and how fast an http check asks.
package struct Samples: Sendable, Hashable, Codable {
  package var count: Int
  /// From the start of one request to the start of the next; a slower answer delays the next request.
  package var every: Duration

  package init(count: Int, every: Duration = .milliseconds(100)) {
    self.count = count
    self.every = every
  }
}

extension Check.Kind {
  /// The word of the environment file.
  package var word: String {
    switch self {
    case .http: "http"
    case .websocket: "websocket"
    case .tcp: "tcp"
    case .tls: "tls"
    case .dns: "dns"
    case .command: "run"
    }
  }

  /// Where the check looks; nil for a command.
  package var address: Template? {
    switch self {
    case .http(let url, _): url
    case .websocket(let url, _, _): url
    case .tcp(let address, _): address
    case .tls(let address, _): address
    case .dns(let name, _): name
    case .command: nil
    }
  }

  /// Everything that stands in its texts, to be resolved before the run.
  package var references: [Reference] {
    var references = address?.references ?? []
    if case .websocket(_, let send?, _) = self { references += send.references }
    return references
  }
}
