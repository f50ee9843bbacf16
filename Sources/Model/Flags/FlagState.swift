package import Concurrency
package import JSON

/// What a flag store says about one flag in one environment, as far as a rollout must know it.
package struct FlagState: Sendable, Hashable, Codable {
  /// The flag's key in its store.
  package var key: String
  /// Off serves the off variation to everybody, whatever the rule says.
  package var isOn: Bool
  /// The effective share of the wanted variation, of those contexts that reach the rule.
  package var share: FlagShare
  /// Everything that decides *who* belongs to a share. A step that finds another draw than the step before has
  /// drifted: the same share would reach other people.
  package var draw: FlagDraw
  /// In the store's order.
  package var variations: [FlagVariation]
  /// Which of `variations` is rolled out.
  package var wanted: Int
  /// Which of `variations` is served when the flag is off; nil when callers get their own default.
  package var whenOff: Int?
  /// Grows, or at least changes, with every write to this flag in this environment.
  package var version: FlagVersion
  /// Who changed it last and when, as far as the store tells.
  package var lastChange: FlagAuthor?
  /// What is asked before the rule: prerequisites, targets, other rules. Those contexts do not follow the share.
  /// One sentence each, for the plan.
  package var ahead: [String]
  /// Changes need somebody's approval in the store itself.
  package var needsApproval: Bool
  /// When somebody last evaluated the flag; nil when the store does not know.
  package var lastEvaluated: Timestamp?
  /// Whether anybody evaluates it; nil where the store does not say.
  package var usage: FlagUsage?

  package init(
    key: String, isOn: Bool, share: FlagShare, draw: FlagDraw, variations: [FlagVariation], wanted: Int,
    whenOff: Int?, version: FlagVersion, lastChange: FlagAuthor? = nil, ahead: [String] = [],
    needsApproval: Bool = false, lastEvaluated: Timestamp? = nil
  ) {
    self.key = key
    self.isOn = isOn
    self.share = share
    self.draw = draw
    self.variations = variations
    self.wanted = wanted
    self.whenOff = whenOff
    self.version = version
    self.lastChange = lastChange
    self.ahead = ahead
    self.needsApproval = needsApproval
    self.lastEvaluated = lastEvaluated
  }
}

/// The version of a flag in its environment, as its store counts it; compared for equality only.
package struct FlagVersion: Sendable, Hashable, Codable, CustomStringConvertible {
  package var text: String

  package init(_ text: String) { self.text = text }

  package init(from decoder: any Decoder) throws {
    text = try decoder.singleValueContainer().decode(String.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  package var description: String { text }
}

/// What decides who belongs to a share (contract launchdarkly §8, flagd §4). Equal draws with a larger share keep
/// everybody who was in.
package struct FlagDraw: Sendable, Hashable, Codable {
  /// Nil for the default rule, else the id of the rule that is raised.
  package var rule: String?
  /// The kind of context whose key or attribute is bucketed.
  package var contextKind: String
  /// The attribute, `key` by default.
  package var bucketBy: String
  /// The store's salt of the flag; nil where it has none.
  package var salt: String?
  /// An experiment's seed in place of key and salt.
  package var seed: Int64?
  /// The names of the weighted variations in the order in which they are walked; empty while one variation is served
  /// to everybody. Two states with one of them empty draw the same.
  package var order: [String]

  package init(
    rule: String? = nil, contextKind: String, bucketBy: String = "key", salt: String? = nil,
    seed: Int64? = nil, order: [String] = []
  ) {
    self.rule = rule
    self.contextKind = contextKind
    self.bucketBy = bucketBy
    self.salt = salt
    self.seed = seed
    self.order = order
  }

  /// What differs between two states of a rollout, in words; nil when a larger share keeps everybody.
  package func difference(from earlier: FlagDraw) -> String? {
    if rule != earlier.rule {
      return "the rule was \(earlier.rule ?? "the default rule"), now \(rule ?? "the default rule")"
    }
    if contextKind != earlier.contextKind {
      return "the context kind was \(earlier.contextKind), now \(contextKind)"
    }
    if bucketBy != earlier.bucketBy { return "bucketed by \(earlier.bucketBy) before, now by \(bucketBy)" }
    if salt != earlier.salt { return "the salt is another" }
    if seed != earlier.seed { return "the seed is another" }
    if !order.isEmpty, !earlier.order.isEmpty, order != earlier.order {
      let (before, now) = (earlier.order.joined(separator: ", "), order.joined(separator: ", "))
      return "the variations stood in the order \(before), now \(now)"
    }
    return nil
  }
}

/// Whether anybody asks a store for a flag (contract launchdarkly §3).
package enum FlagUsage: String, Sendable, Hashable, Codable {
  /// It was made within a week, and never asked for.
  case new
  /// Nobody has asked for it within a week: metrics would show nothing.
  case inactive
  case active
  /// Everybody gets the same for a week already.
  case launched
}

/// One of the values a flag can have.
package struct FlagVariation: Sendable, Hashable, Codable {
  /// The store's id, or its name where it names them.
  package var id: String
  package var value: JSON

  package init(id: String, value: JSON) {
    self.id = id
    self.value = value
  }
}

/// Who wrote last.
package struct FlagAuthor: Sendable, Hashable, Codable {
  /// A person's name or address, a token's name, or a file's owner; never a secret.
  package var name: String?
  package var at: Timestamp
  /// What was written along.
  package var comment: String?

  package init(name: String?, at: Timestamp, comment: String? = nil) {
    self.name = name
    self.at = at
    self.comment = comment
  }
}
