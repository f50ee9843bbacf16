/// What an http check must see.
package struct HTTPExpectation: Sendable, Hashable, Codable {
  /// Nil: any 2xx.
  package var status: Int?
  /// The longest time to the whole answer, over a fresh connection.
  package var within: Duration?
  /// Dotted path in the JSON answer → what holds for the value there.
  package var json: [String: Comparison]
  /// Header, its name in any case → its exact value.
  package var headers: [String: String]
  /// With samples: the longest time of the fastest 95 of 100 answers, by nearest rank.
  package var p95: Duration?
  /// With samples: how many may be wrong; nil is none.
  package var failures: Int?

  package init(
    status: Int? = nil, within: Duration? = nil, json: [String: Comparison] = [:],
    headers: [String: String] = [:], p95: Duration? = nil, failures: Int? = nil
  ) {
    self.status = status
    self.within = within
    self.json = json
    self.headers = headers
    self.p95 = p95
    self.failures = failures
  }
}

/// What a websocket check must see: the handshake, and a message where one is described.
package struct MessageExpectation: Sendable, Hashable, Codable {
  /// The exact text of a message.
  package var message: String?
  /// Dotted path in a message of JSON → what holds for the value there.
  package var json: [String: Comparison]
  /// The longest time from the first byte of the connection to what is expected.
  package var within: Duration?

  package init(message: String? = nil, json: [String: Comparison] = [:], within: Duration? = nil) {
    self.message = message
    self.json = json
    self.within = within
  }

  /// Whether a message is waited for; without one an open WebSocket is enough.
  package var wantsMessage: Bool { message != nil || !json.isEmpty }
}

/// What a dns check must see: that the name resolves, and to what.
package struct NameExpectation: Sendable, Hashable, Codable {
  /// Each of them must be among the name's addresses.
  package var addresses: [String]
  /// What the name's own CNAME record must point to.
  package var cname: String?

  package init(addresses: [String] = [], cname: String? = nil) {
    self.addresses = addresses
    self.cname = cname
  }
}
