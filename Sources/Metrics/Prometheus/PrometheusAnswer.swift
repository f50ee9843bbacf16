package import Analysis
package import Concurrency
package import HTTP
package import JSON

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
  /// The data of a success.
  private let data: JSON?

  package init(status: Int, body: String) {
    let envelope = try? JSON(parsing: Array(body.utf8))
    var warnings = envelope?["warnings"]?.array?.compactMap(\.string) ?? []
    // VictoriaMetrics says in a field of its own what others say as a warning.
    if envelope?["isPartial"]?.bool == true { warnings.append("the answer is partial") }
    self.warnings = warnings
    let isSuccess = (200..<300).contains(status) && envelope?["status"]?.string == "success"
    data = isSuccess ? envelope?["data"] : nil
    switch status {
    case 200..<300: (reading, retry) = Self.reading(data)
    case 401, 403: (reading, retry) = (.error(reason: "auth"), .no)
    case 429, 500...: (reading, retry) = (.error(reason: "provider"), .yes)
    case 300..<400: (reading, retry) = (.error(reason: "malformed"), .no)
    default: (reading, retry) = (.error(reason: "query"), .no)
    }
  }

  /// The store did not answer.
  package init(timedOut: Bool) { self.init(timedOut ? .timeout : .refused) }

  package init(_ code: HTTPError.Code) {
    (reading, retry) =
      switch code {
      case .timeout: (.error(reason: "timeout"), .yes)
      // What the network says will not be otherwise a second later.
      case .badURL, .tls, .bodyTooLarge: (.error(reason: "unreachable"), .no)
      case .nameNotFound, .refused, .connectionLost, .cancelled, .other: (.error(reason: "provider"), .yes)
      }
    warnings = []
    data = nil
  }

  private static func reading(_ data: JSON?) -> (Reading, Retry) {
    guard let data, let type = data["resultType"]?.string, let result = data["result"] else {
      return (.error(reason: "malformed"), .once)
    }
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

  /// The series of a vector; nil when it is none.
  package var vector: [JSON]? { data?["resultType"]?.string == "vector" ? data?["result"]?.array : nil }

  /// What the answer to a range query says at each of its moments: the same as a question at that moment would.
  /// - Returns: the slots, and whether the store could be read at all.
  package func slots(at moments: [Timestamp]) -> (slots: [StoreHistory.Slot], isRead: Bool) {
    guard data?["resultType"]?.string == "matrix", let series = data?["result"]?.array else {
      // For a range a matrix is the only success: its reading says `result_type` then, and is none.
      let why: Reading = data == nil ? reading : .error(reason: "malformed")
      return (moments.map { StoreHistory.Slot(at: $0, reading: why) }, false)
    }
    var found: [Int64: [JSON]] = [:]
    for pair in series.flatMap({ $0["values"]?.array ?? [] }) {
      guard let seconds = pair[0]?.double else { continue }
      found[Int64((seconds * 1000).rounded()), default: []].append(pair)
    }
    let slots = moments.map { moment in
      let pairs = found[moment.milliseconds] ?? []
      let reading: Reading =
        switch pairs.count {
        case 0: .noData(reason: "empty")
        case 1: Self.number(pairs[0])
        default: .error(reason: "multiple_series")
        }
      return StoreHistory.Slot(at: moment, reading: reading)
    }
    return (slots, true)
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
