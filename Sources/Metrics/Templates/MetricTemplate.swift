import Concurrency
package import Model

/// Queries that are usually wanted, and usually written with a mistake in them (contract metrics §1, §2.4).
package enum MetricTemplate: String, Sendable, Hashable, CaseIterable {
  /// Percent of requests that did not fail by the server's fault.
  case httpSuccess = "http-success"
  /// Percent of requests that did.
  case httpErrors = "http-errors"
  /// Seconds within which 95 of 100 requests were answered.
  case httpP95 = "http-p95"
}

/// What a template counts: which series, and over how long.
package struct MetricSelection: Sendable, Hashable {
  /// `label="value"`.
  package struct Label: Sendable, Hashable {
    package var name: String
    /// As it is to be matched; it may hold `${release}`.
    package var value: String
    /// Any other value of the label, and not none.
    package var isOther: Bool

    package init(_ name: String, _ value: String, isOther: Bool = false) {
      self.name = name
      self.value = value
      self.isOther = isOther
    }
  }

  /// The counter of requests.
  package var requests = "http_requests_total"
  /// The histogram of their durations in seconds, without `_bucket`.
  package var durations = "http_request_duration_seconds"
  /// The counter's label with the status.
  package var code = "code"
  /// What else the series must have; a label `job` also finds out dead instances.
  package var labels: [Label] = []
  /// The label that tells releases apart, with its value; nil when the service exports none.
  package var release: Label? = Label("release", "${release}")
  /// The label that tells who has the feature: without it the numbers are mostly of those who have not.
  package var variant: Label?
  /// Over how long is counted.
  package var window: Duration = .seconds(300)
  /// How often the store looks at the service.
  package var scrape: Duration = .seconds(15)

  package init() {}
}

/// A template, filled.
package struct FilledTemplate: Sendable, Hashable {
  package var question: MetricQuestion
  /// 1 while every instance of the job answers the store; nil when the selection names no `job`.
  package var liveness: String?
  /// With `http-p95`: what the boundaries of the buckets are asked by.
  package var buckets: String?
}

extension MetricTemplate {
  /// The queries, with the traps of the contract handled in them.
  ///
  /// - A series that is new counts with what it came with, which `rate` does not see (§1.3).
  /// - Without errors there may be no series of errors: that is 0, and no traffic is no data (§1.1).
  /// - An exporter that died leaves no number, where rates go on for a window (§1.4).
  /// - Value and samples count the same requests (§1.6).
  ///
  /// - Throws: `Failure` of kind `.configuration` for what cannot be a label, a series or a window.
  package func filled(_ selection: MetricSelection) throws(Failure) -> FilledTemplate {
    try selection.check()
    let all = selection.series(selection.requests)
    let alive = selection.guarding(self == .httpP95 ? selection.series(selection.durations + "_count") : all)
    let (query, samples, buckets): (String, String, String?)
    switch self {
    case .httpSuccess, .httpErrors:
      let failed = selection.series(selection.requests, and: "\(selection.code)=~\"5..\"")
      let share =
        "(\(selection.sum(failed)) or vector(0)) / (\(selection.sum(all)) > 0)"
      query = self == .httpErrors ? "100 * (\(share))" : "100 * (1 - \(share))"
      (samples, buckets) = (selection.sum(all), nil)
    case .httpP95:
      let series = selection.series(selection.durations + "_bucket")
      query = "histogram_quantile(0.95, \(selection.sum(series, by: "le")))"
      samples = selection.sum(selection.series(selection.durations + "_count"))
      buckets = series
    }
    let job = selection.labels.first { $0.name == "job" }
    return FilledTemplate(
      question: MetricQuestion(query: "(\(query))\(alive)", sampleQuery: "(\(samples))\(alive)"),
      liveness: job.map { "min(up{\($0.matcher)})" }, buckets: buckets)
  }
}

extension MetricSelection {
  /// What happened within the window, as a sum of all series.
  ///
  /// `increase` sees the difference of two samples: what a series had when it first appeared is missing, and a new
  /// release is all new series. That first part is the smallest value within the window of a series that was not
  /// there during the day before it. A day, for a series that comes back after a gap in the scrapes has its whole past
  /// in its first value. The label keeps the two parts of one series apart for `or`.
  fileprivate func sum(_ series: String, by label: String? = nil) -> String {
    let window = Self.written(window)
    let grown = "label_replace(increase(\(series)[\(window)]), \"part\", \"grown\", \"\", \"\")"
    let first =
      "label_replace(min_over_time(\(series)[\(window)]) unless last_over_time(\(series)[1d] offset \(window)), \"part\", \"first\", \"\", \"\")"
    return "sum\(label.map { " by (\($0)) " } ?? "")(\(grown) or \(first))"
  }

  /// No answer unless the series are exported now, and each instance of the job answers the store.
  fileprivate func guarding(_ series: String) -> String {
    // A dead instance is gone from a plain selector with the next scrape, from `increase` a window later.
    let exported = " and on () (count(\(series)) > 0)"
    guard let job = labels.first(where: { $0.name == "job" }) else { return exported }
    return exported + " and on () (min(up{\(job.matcher)}) == 1)"
  }

  fileprivate func series(_ name: String, and more: String? = nil) -> String {
    let matchers =
      (labels + [release, variant].compactMap(\.self)).map(\.matcher) + [more].compactMap(\.self)
    return matchers.isEmpty ? name : "\(name){\(matchers.joined(separator: ","))}"
  }

  /// As Prometheus writes durations.
  static func written(_ duration: Duration) -> String { "\(duration.wholeMilliseconds)ms" }

  fileprivate func check() throws(Failure) {
    func refuse(_ what: String, _ hint: String) -> Failure {
      Failure(.configuration, what, place: "metrics", hint: hint)
    }
    for name in [requests, durations] where !Self.isName(name, extra: ":") {
      throw refuse("`\(name)` is no name of a series", "labels stand under `labels`")
    }
    for label in labels + [release, variant].compactMap(\.self) + [Label(code, "")]
    where !Self.isName(label.name) {
      throw refuse("`\(label.name)` is no name of a label", "use letters, digits and _")
    }
    guard scrape > .zero, window >= scrape * 4 else {
      throw refuse(
        "a window of \(Self.written(window)) is too short for a scrape each \(Self.written(scrape))",
        "four scrapes at least: rates need two samples, and one may be late")
    }
  }

  private static func isName(_ text: String, extra: String = "") -> Bool {
    let isFirst = text.first.map { !$0.isNumber } ?? false
    return isFirst
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || extra.contains($0)) }
  }
}

extension MetricSelection.Label {
  /// `name="value"`, the value as PromQL quotes it.
  var matcher: String {
    let quoted = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
      "\n", with: "\\n")
    return isOther ? "\(name)!=\"\(quoted)\",\(name)!=\"\"" : "\(name)=\"\(quoted)\""
  }
}
