package import Analysis
import JSON

/// What an answer of Prometheus' query API says, and whether asking again at once makes sense (contract metrics §2.3).
/// Others take the last of several series, or call +Inf a success; here what is not exactly one number is no value.
package struct PrometheusAnswer: Sendable, Hashable {
  package enum Retry: Sendable, Hashable {
    case no
    case once
    /// Up to three times, honouring `Retry-After`.
    case yes
  }

  package let reading: Reading
  package let retry: Retry
  /// What the store says beside the data; the answer may be partial then.
  package let warnings: [String]

  package init(status: Int, body: String) {
    let envelope = try? JSON(parsing: Array(body.utf8))
    warnings = envelope?["warnings"]?.array?.compactMap(\.string) ?? []
    switch status {
    case 200..<300: (reading, retry) = Self.data(envelope)
    case 401, 403: (reading, retry) = (.error(reason: "auth"), .no)
    case 429, 500...: (reading, retry) = (.error(reason: "provider"), .yes)
    case 300..<400: (reading, retry) = (.error(reason: "malformed"), .no)
    default: (reading, retry) = (.error(reason: "query"), .no)
    }
  }

  /// The store did not answer.
  package init(timedOut: Bool) {
    reading = .error(reason: timedOut ? "timeout" : "provider")
    retry = .yes
    warnings = []
  }

  private static func data(_ envelope: JSON?) -> (Reading, Retry) {
    guard envelope?["status"]?.string == "success", let data = envelope?["data"],
      let type = data["resultType"]?.string, let result = data["result"]
    else { return (.error(reason: "malformed"), .once) }
    switch type {
    case "scalar": return (number(result), .no)
    case "vector":
      guard let series = result.array else { return (.error(reason: "malformed"), .once) }
      guard let only = series.first else { return (.noData(reason: "empty"), .no) }
      guard series.count == 1 else { return (.error(reason: "multiple_series"), .no) }
      return (number(only["value"]), .no)
    default: return (.error(reason: "result_type"), .no)
    }
  }

  /// The second of a pair of time and number, which stands as a text.
  private static func number(_ pair: JSON?) -> Reading {
    guard let text = pair?[1]?.string, let value = parsed(text) else { return .error(reason: "malformed") }
    if value.isNaN { return .noData(reason: "nan") }
    return value.isFinite ? .value(value) : .error(reason: "not_finite")
  }

  private static func parsed(_ text: String) -> Double? {
    switch text {
    case "+Inf", "Inf": .infinity
    case "-Inf": -.infinity
    case "NaN": .nan
    default: Double(text)
    }
  }
}
