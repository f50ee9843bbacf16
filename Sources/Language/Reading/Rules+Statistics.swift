import Analysis
import Concurrency
import Model

extension Rules {
  /// Whether a metric is a percentage of requests, as far as the file tells.
  static func isShare(_ metric: Fields) -> Bool {
    if let template = metric["template"]?.text { return template != "http-p95" }
    if let fields = (metric["probe"] ?? metric["railway"])?.fields { return fields["measure"]?.text != "p95" }
    return metric.has("query") && metric.has("sample-query")
  }

  /// A test that could not be made, or that would say something else than it seems to, is refused
  /// (contract rollout-analysis §9).
  func checkStatistics(
    _ metric: Fields, _ draft: GateDraft, of rollout: Fields, _ reading: inout Reading
  ) {
    if metric.has("versus") { checkComparison(metric, draft, of: rollout, &reading) }
    guard let alpha = metric["alpha"] else { return }
    func refuse(_ why: String, _ help: String) {
      reading.error(.contradiction, why, at: alpha.mark, path: alpha.path, help: help)
    }
    if metric.has("run") {
      return refuse(
        "nobody can tell which requests a program counted twice, so no test adds them up",
        "leave `alpha` out, and let the program print `samples` for `min-samples`")
    }
    if let query = draft.query, QueryWindows.longest(in: query) == nil {
      return refuse(
        "the query has no range such as [5m]: requests would count twice", "write one into the query")
    }
    guard !metric.has("versus") else { return }
    guard Self.isShare(metric) else {
      return refuse(
        "the sequential test counts failures among requests, and this is no share of them",
        metric.has("query") && !metric.has("sample-query")
          ? "add `sample-query`, and let the query be a percentage"
          : "test a share of failures, or write `versus: baseline`")
    }
    let bounds = [draft.thresholds.pass, draft.thresholds.abort].compactMap { $0?.bound }
    guard bounds.count == 2, bounds.allSatisfy({ $0 > 0 && $0 < 100 }), draft.thresholds.enoughSamples != nil
    else {
      return refuse(
        "the sequential test wants a healthy share as `pass` and a bad one as `abort`, in percent and apart",
        "such as pass \"< 1\" and abort \"> 2\" of failures, or pass \"> 99\" and abort \"< 98\" of successes"
      )
    }
  }

  private func checkComparison(
    _ metric: Fields, _ draft: GateDraft, of rollout: Fields, _ reading: inout Reading
  ) {
    guard let versus = metric["versus"] else { return }
    func refuse(_ why: String, _ help: String) {
      reading.error(.contradiction, why, at: versus.mark, path: versus.path, help: help)
    }
    guard metric.has("template") || metric.has("query") else {
      return refuse(
        "nothing here can be asked about those who do not have the feature", "use a `template` or a `query`")
    }
    guard let variant = metric["variant"]?.fields else {
      return refuse(
        "a comparison has to know who has the feature", "add `variant: {label: NAME, value: \"on\"}`")
    }
    if variant["baseline"]?.text != nil, variant["baseline"]?.text == variant["value"]?.text {
      refuse("`value` and `baseline` of the variant are the same", "name the value of those without it")
    }
    if let query = draft.query {
      let texts = [query] + [draft.sampleQuery].compactMap(\.self)
      if !texts.allSatisfy({ $0.contains("${variant}") }) || variant["baseline"] == nil {
        refuse(
          "the query cannot be asked about those who do not have the feature",
          "write `${variant}` for the label's value in it, and name theirs: `variant: {label: NAME, value: \"on\", baseline: \"off\"}`"
        )
      }
    }
    if !metric.has("pass") {
      refuse("at 100 % nobody is left to compare with", "add `pass`, which then decides alone")
    }
    let isShare = Self.isShare(metric)
    if !metric.has("alpha"), !metric.has("max-increase") {
      refuse(
        "nothing says how much worse is too much", "add `alpha: 0.01`, or `max-increase` with `min-samples`")
    } else if metric.has("alpha"), isShare, metric.has("max-increase") {
      refuse(
        "a share is tested or bounded, not both",
        "leave `max-increase` out; `min-delta` is what the test allows")
    } else if !metric.has("alpha"), isShare, draft.thresholds.minSamples <= 0 {
      refuse(
        "with few requests one arm is worse than the other by chance, and each look is another chance",
        "add `min-samples`, which both arms then need, or `alpha`")
    }
    guard metric.has("alpha"), !isShare else { return }
    let interval = metric["interval"]?.duration ?? rollout["interval"]?.duration ?? .seconds(300)
    let window =
      draft.query.flatMap(QueryWindows.longest) ?? metric["window"]?.duration ?? .seconds(300)
    let bakes = rollout["bake"].map { $0.duration.map { [$0] } ?? $0.map.compactMap(\.value.duration) } ?? []
    let least = max(interval, window) * 8
    if let short = bakes.min(), short < least {
      refuse(
        "a comparison of latencies wants eight readings that do not overlap, which takes \(Quantity.text(least))",
        "make `bake` longer, or the window shorter")
    }
  }
}
