import Analysis
import Model

extension Rules {
  /// Gates that would decide by chance, or by nothing, are refused with the safer form.
  func checkMetrics(_ rollout: Fields, _ reading: inout Reading) {
    let metrics = rollout["metrics"]?.list.compactMap(\.fields) ?? []
    var seen: [String: Placed] = [:]
    for metric in metrics {
      if let name = metric["name"], let text = name.text {
        if let first = seen[text] {
          reading.error(
            .duplicateName, "two metrics are called `\(text)`", at: name.mark, path: name.path,
            help: "give one of them another name",
            related: [.init(mark: first.mark, message: "the other one")])
        }
        seen[text] = name
      }
      checkBounds(metric, &reading)
      checkCounting(metric, &reading)
      checkDilution(metric, &reading)
    }
    if let placed = rollout["metrics"], !rollout.has("store") {
      reading.error(
        .contradiction, "the metrics are read nowhere: there is no `store`", at: placed.mark,
        path: placed.path, help: "add `store: {url: https://prometheus.example.com}`")
    }
    if let placed = rollout["metrics"], !metrics.isEmpty, metrics.allSatisfy(Self.isObserved) {
      reading.error(
        .contradiction, "every metric is only observed: nothing decides", at: placed.mark, path: placed.path,
        help: "let one of them decide, or write `gates: none` and no metrics")
    }
  }

  private static func isObserved(_ metric: Fields) -> Bool { metric["mode"]?.text == "observe" }

  private func checkBounds(_ metric: Fields, _ reading: inout Reading) {
    guard let pass = metric["pass"], let abort = metric["abort"],
      let good = pass.text.flatMap(Threshold.init),
      let bad = abort.text.flatMap(Threshold.init), good.overlaps(bad)
    else { return }
    reading.error(
      .contradiction, "some values are within `pass` and `abort` both", at: abort.mark, path: abort.path,
      help: "leave a band between them, such as pass \"> 95\" and abort \"< 90\": what lies between holds",
      related: [.init(mark: pass.mark, message: "what passes")])
  }

  private func checkCounting(_ metric: Fields, _ reading: inout Reading) {
    let minimum = metric["min-samples"]?.int ?? 0
    if minimum > 0, let query = metric["query"], !metric.has("sample-query") {
      reading.error(
        .contradiction, "`min-samples` counts what `sample-query` says, and there is none",
        at: metric["min-samples"]?.mark ?? query.mark, path: "\(metric.path).min-samples",
        help: "add `sample-query: 'sum(increase(REQUESTS[5m]))'`, with the labels of the query")
    }
    guard let abort = metric["abort"], minimum == 0, !Self.isObserved(metric), !metric.has("alpha"),
      !metric.has("versus"), metric.has("template") || Self.isRate(metric["query"]?.text ?? "")
    else { return }
    reading.error(
      .contradiction,
      "with few requests a rate passes any bound by chance, and each look is another chance: healthy rollouts would be rolled back",
      at: abort.mark, path: abort.path,
      help: "add `min-samples`, such as 2000 for 1 % against 2 %"
        + (metric.has("template") || metric.has("sample-query") ? "" : ", with a `sample-query`"))
  }

  private func checkDilution(_ metric: Fields, _ reading: inout Reading) {
    guard !Self.isObserved(metric), metric["dilution"] == nil else { return }
    let why: String
    if let variant = metric["variant"]?.fields, let label = variant["label"], let name = label.text {
      guard let query = metric["query"]?.text, !query.contains(name) else { return }
      why = "the query does not hold the label `\(name)`"
    } else if metric.has("variant") {
      return
    } else {
      why = "nothing tells those who have the feature from the rest"
    }
    reading.error(
      .contradiction, "\(why): at 10 % nine tenths of the numbers are others'", at: metric.mark,
      path: metric.path,
      help:
        "name the label of the variant as `variant: {label: NAME, value: \"on\"}`, or write `dilution: accepted` and bounds that fit the share"
    )
  }

  /// A share, a quantile or a mean: a number that chance moves when few requests stand behind it.
  private static func isRate(_ query: String) -> Bool {
    // What stands in quotes is a label's value.
    let code = query.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 0 }.map { String($0.element) }.joined()
    return ["/", "quantile", "avg(", "avg by", "avg ("].contains(where: code.contains)
  }
}
