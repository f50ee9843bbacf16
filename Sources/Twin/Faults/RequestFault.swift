package import JSON

/// What goes wrong with a request.
package enum RequestFault: Sendable, Equatable {
  /// The connection is cut before anything was read.
  case refuse
  /// No answer ever; nothing is done.
  case hang
  /// An answer after this many seconds.
  case delay(Double)
  /// The effect at once, the answer after this many seconds.
  case delayAnswer(Double)
  /// The API's 429, with `Retry-After` in seconds or without.
  case rateLimited(retryAfter: Int?)
  /// The edge's 429: plain text, no headers.
  case edgeRateLimited
  /// The edge's 403.
  case edgeRefused
  /// Another status, with an HTML body.
  case status(Int)
  /// HTTP 200 with this error and no effect.
  case error(String, code: String?)
  /// HTTP 200 with a body that is no JSON, and no effect.
  case notJSON
  /// The effect takes place and the connection is cut before the answer.
  case cut
  /// The effect takes place and the connection is cut in the middle of the answer.
  case tear
  /// `Problem processing request` without an effect.
  case problemBefore
  /// `Problem processing request` although the effect took place.
  case problemAfter
  /// Every deployment status in the answer reads so.
  case unknownStatus(String)
  /// Objects in the answer carry a field that nobody asked for.
  case extraField

  /// Reads a script such as `{"fault": "rate-limited", "retryAfter": 2}`.
  package init?(name: String, script: JSON) {
    switch name {
    case "refuse": self = .refuse
    case "hang": self = .hang
    case "delay": self = .delay(script["seconds"]?.double ?? 1)
    case "delay-answer": self = .delayAnswer(script["seconds"]?.double ?? 1)
    case "rate-limited": self = .rateLimited(retryAfter: script["retryAfter"]?.int.map { Int($0) })
    case "edge-rate-limited": self = .edgeRateLimited
    case "edge-refused": self = .edgeRefused
    case "status": self = .status(script["status"]?.int.map { Int($0) } ?? 502)
    case "error": self = .error(script["message"]?.string ?? "scripted error", code: script["code"]?.string)
    case "not-json": self = .notJSON
    case "cut": self = .cut
    case "tear": self = .tear
    case "problem-before": self = .problemBefore
    case "problem-after": self = .problemAfter
    case "unknown-status": self = .unknownStatus(script["status"]?.string ?? "CANCELLED")
    case "extra-field": self = .extraField
    default: return nil
    }
  }

  /// Its name in scripts.
  package var name: String {
    switch self {
    case .refuse: "refuse"
    case .hang: "hang"
    case .delay: "delay"
    case .delayAnswer: "delay-answer"
    case .rateLimited: "rate-limited"
    case .edgeRateLimited: "edge-rate-limited"
    case .edgeRefused: "edge-refused"
    case .status: "status"
    case .error: "error"
    case .notJSON: "not-json"
    case .cut: "cut"
    case .tear: "tear"
    case .problemBefore: "problem-before"
    case .problemAfter: "problem-after"
    case .unknownStatus: "unknown-status"
    case .extraField: "extra-field"
    }
  }

  package static let names = [
    "refuse", "hang", "delay", "delay-answer", "rate-limited", "edge-rate-limited", "edge-refused", "status",
    "error", "not-json", "cut", "tear", "problem-before", "problem-after", "unknown-status", "extra-field",
  ]
}

/// A fault with the requests it is meant for.
package struct FaultRule: Sendable {
  /// The operation's name, one of its root fields, or `upload`; nil is any request.
  package var operation: String?
  /// Name or id of the service a request is about; nil is any.
  package var service: String?
  /// Requests that match but come before; counted down.
  package var skip: Int
  /// How many it applies to; nil is all.
  package var count: Int?
  package var fault: RequestFault

  package init(
    _ fault: RequestFault, operation: String? = nil, service: String? = nil, nth: Int = 1, count: Int? = 1
  ) {
    self.fault = fault
    self.operation = operation
    self.service = service
    skip = nth - 1
    self.count = count
  }
}

/// The rules in force, oldest first; the first that matches a request applies.
struct FaultTable: Sendable {
  var rules: [FaultRule] = []

  /// The fault for a request, whose rule is used up by it.
  mutating func take(operations: [String], services: [String]) -> RequestFault? {
    for index in rules.indices {
      let rule = rules[index]
      guard rule.count != 0, rule.operation.map({ operations.contains($0) }) ?? true,
        rule.service.map({ services.contains($0) }) ?? true
      else { continue }
      if rule.skip > 0 {
        rules[index].skip -= 1
        continue
      }
      if let count = rule.count { rules[index].count = count - 1 }
      return rule.fault
    }
    return nil
  }
}
