import Concurrency

/// A gate as somebody wrote it, before it may decide anything.
package struct GateDraft: Sendable, Hashable {
  /// The question to the store; nil: a template's, which is as it should be.
  package var query: String?
  package var sampleQuery: String?
  /// The template is a quantile of a histogram.
  package var isQuantile: Bool
  package var thresholds: MetricThresholds
  /// A sequential test or a comparison with a baseline stands beside the thresholds.
  package var hasStatistics: Bool
  /// Recorded only: it decides nothing, so it may be as it likes.
  package var isObserved: Bool
  /// The label that tells who has the feature, when the query is about them alone.
  package var variant: String?
  /// The numbers are known to be mostly those of others.
  package var isDilutionAccepted: Bool
  /// How often the store looks; nil where nobody said.
  package var scrape: Duration?
  /// When a step's first reading is taken.
  package var initialDelay: Duration?
  /// Chance moves it when little stands behind it; nil: the query tells, and a template's is so.
  package var isRate: Bool?

  package init(
    query: String?, sampleQuery: String? = nil, isQuantile: Bool = false, _ thresholds: MetricThresholds,
    hasStatistics: Bool = false, isObserved: Bool = false, variant: String? = nil,
    isDilutionAccepted: Bool = false, scrape: Duration? = nil, initialDelay: Duration? = nil
  ) {
    self.query = query
    self.sampleQuery = sampleQuery
    self.isQuantile = isQuantile
    self.thresholds = thresholds
    self.hasStatistics = hasStatistics
    self.isObserved = isObserved
    self.variant = variant
    self.isDilutionAccepted = isDilutionAccepted
    self.scrape = scrape
    self.initialDelay = initialDelay
  }
}

/// Why a gate would decide by chance, or by something else than it seems to, and how to write it instead
/// (contracts rollout-analysis §2, §9.1 and metrics §1, §2.4).
package struct NaiveGate: Sendable, Hashable {
  package enum Mistake: String, Sendable, Hashable, CaseIterable {
    case contradicting, fewSamples, uncounted, diluted, topBucket, noErrorsNoData, severalSeries, window,
      early
  }

  package var mistake: Mistake
  package var why: String
  /// What to write.
  package var safer: String

  init(_ mistake: Mistake, _ why: String, _ safer: String) {
    self.mistake = mistake
    self.why = why
    self.safer = safer
  }

  /// Everything that is naive about a gate; empty when nothing is.
  package static func all(in gate: GateDraft) -> [NaiveGate] {
    guard !gate.isObserved else { return [] }
    let query = gate.query.map(QueryText.init)
    let isRate = gate.isRate ?? query?.isRate ?? true
    let isQuantile = query?.calls("histogram_quantile") ?? gate.isQuantile
    let ofAny = [
      contradicting(gate.thresholds), uncounted(gate), isRate ? fewSamples(gate) : nil, diluted(gate, query),
      isQuantile ? ofQuantile(gate.thresholds) : nil,
    ]
    let ofWritten =
      query.map { [noErrorsNoData($0), severalSeries($0), window(gate, $0), early(gate, $0)] } ?? []
    return (ofAny + ofWritten).compactMap(\.self)
  }

  private static func contradicting(_ thresholds: MetricThresholds) -> NaiveGate? {
    guard let pass = thresholds.pass, let abort = thresholds.abort, pass.overlaps(abort) else { return nil }
    return NaiveGate(
      .contradicting, "some values are within `pass` and `abort` both",
      "leave a band between them, such as pass \"> 95\" and abort \"< 90\": what lies between holds")
  }

  private static func uncounted(_ gate: GateDraft) -> NaiveGate? {
    guard gate.thresholds.minSamples > 0, gate.query != nil, gate.sampleQuery == nil else { return nil }
    return NaiveGate(
      .uncounted,
      "`min-samples` counts what `sample-query` says, and there is none: no reading would ever count",
      "add `sample-query: sum(increase(REQUESTS[5m]))`, with the labels of the query")
  }

  /// With a true 1 % and `> 2 %` looked at 48 times, 92 of 100 healthy rollouts of 200 requests a look are lost.
  private static func fewSamples(_ gate: GateDraft) -> NaiveGate? {
    guard gate.thresholds.abort != nil, gate.thresholds.minSamples <= 0, !gate.hasStatistics else {
      return nil
    }
    let enough = gate.thresholds.enoughSamples.map { "`min-samples: \(Int($0))`" } ?? "`min-samples`"
    return NaiveGate(
      .fewSamples,
      "with few requests a share passes any bound by chance, and each look is another chance: healthy rollouts would be rolled back",
      gate.query == nil || gate.sampleQuery != nil
        ? "add \(enough)" : "add \(enough) with a `sample-query`")
  }

  private static func diluted(_ gate: GateDraft, _ query: QueryText?) -> NaiveGate? {
    guard !gate.isDilutionAccepted else { return nil }
    if let variant = gate.variant, query?.hasLabelEverywhere(variant) ?? true { return nil }
    let why =
      gate.variant.map { "not every series of the query has the label `\($0)`" }
      ?? (query?.text.contains("${release}") == true
        ? "the query tells releases apart, not who has the feature"
        : "the query cannot tell who has the feature from who has not")
    return NaiveGate(
      .diluted,
      "\(why): at 10 % nine tenths of its numbers are others', and half of the requests may fail unseen",
      "put the flag's variant on the metric and name it, `variant: {label: NAME, value: \"on\"}`, or write `dilution: accepted` and bounds that fit the share"
    )
  }

  private static func ofQuantile(_ thresholds: MetricThresholds) -> NaiveGate? {
    guard
      let loose = [thresholds.pass, thresholds.abort].compactMap(\.self).first(where: { !$0.isStrict })
    else { return nil }
    let strict = loose.sign == .atMost ? "<" : ">"
    return NaiveGate(
      .topBucket,
      "a histogram says its highest bucket for everything above it, and `\(loose.sign.rawValue)` takes that for good or bad",
      "write `\(strict) \(loose.bound.plain)`, and export a bucket above \(loose.bound.plain)")
  }

  /// A quantile gate against the buckets that the service really exports.
  /// - Parameters:
  ///   - buckets: their boundaries without infinity, in the thresholds' unit; none says nothing.
  ///   - thresholds: of the gate.
  package static func ofBuckets(_ buckets: [Double], _ thresholds: [Threshold]) -> NaiveGate? {
    guard let highest = buckets.max(), let beyond = thresholds.first(where: { $0.bound >= highest }) else {
      return nil
    }
    return NaiveGate(
      .topBucket,
      "the highest bucket is \(highest.plain) s: the quantile never says more, however slow the service is, and the bound is \(beyond.bound.plain)",
      "export a bucket above \(beyond.bound.plain), or set the bound below \(highest.plain)")
  }

  /// A bound on the success of shipit's own probes that one or two lost packets would pass.
  /// - Parameter samples: probes of a reading.
  package static func ofProbes(_ samples: Int, _ thresholds: MetricThresholds) -> NaiveGate? {
    guard let abort = thresholds.abort, samples > 0 else { return nil }
    let failures = (0...samples).first { abort.holds(for: 100 * (1 - Double($0) / Double(samples))) }
    guard let failures, failures < 3 else { return nil }
    return NaiveGate(
      .fewSamples,
      "\(failures == 1 ? "one lost probe" : "\(failures) lost probes") of \(samples) would roll back",
      "take more probes a reading, or set the bound so that it wants three failures")
  }

  private static func noErrorsNoData(_ query: QueryText) -> NaiveGate? {
    guard query.selectsFailures, !query.code.contains("or vector(0)"),
      !query.code.contains("or on () vector(0)"),
      !query.code.contains("or on() vector(0)")
    else { return nil }
    return NaiveGate(
      .noErrorsNoData, "without failures there is no series of failures, and the query answers nothing",
      "write `(sum(…failures…) or vector(0)) / sum(…all…)`: 0 without failures, no data without traffic")
  }

  private static func severalSeries(_ query: QueryText) -> NaiveGate? {
    guard query.code.contains("{") || query.isRate || query.calls("rate"), !query.isAggregated else {
      return nil
    }
    return NaiveGate(
      .severalSeries, "the query gives a number for each series, and a gate takes one only",
      "put sum(…) around it")
  }

  private static func window(_ gate: GateDraft, _ query: QueryText) -> NaiveGate? {
    guard let scrape = gate.scrape, let shortest = query.windows.min(), shortest < scrape * 4 else {
      return nil
    }
    return NaiveGate(
      .window,
      "a window of \(shortest.plain) holds too few scrapes of one each \(scrape.plain): rates need two, and one may be late",
      "make it \((scrape * 4).plain) or longer")
  }

  private static func early(_ gate: GateDraft, _ query: QueryText) -> NaiveGate? {
    guard let delay = gate.initialDelay, let longest = query.windows.max(), delay < longest else {
      return nil
    }
    return NaiveGate(
      .early,
      "the first reading comes \(delay.plain) after a step and looks \(longest.plain) back: at the step before",
      "set `initial-delay: \(longest.plain)` or longer")
  }
}

extension Threshold {
  fileprivate var isStrict: Bool { sign == .less || sign == .greater }
}

extension Double {
  /// Without a fraction that is none.
  fileprivate var plain: String { self == rounded() && abs(self) < 1e15 ? "\(Int64(self))" : "\(self)" }
}

extension Duration {
  /// As the environment file writes it.
  fileprivate var plain: String {
    let milliseconds = wholeMilliseconds
    if milliseconds % 3_600_000 == 0 { return "\(milliseconds / 3_600_000)h" }
    if milliseconds % 60_000 == 0 { return "\(milliseconds / 60_000)m" }
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }
}
