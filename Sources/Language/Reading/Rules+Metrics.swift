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
      checkGate(metric, of: rollout, &reading)
    }
    if let placed = rollout["metrics"], !rollout.has("store"),
      metrics.isEmpty || metrics.contains(where: { $0.has("template") || $0.has("query") })
    {
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

  private func checkRailway(_ key: String, _ service: Placed, _ reading: inout Reading) {
    guard let found = services.first(where: { $0.key == key }) else {
      return reading.error(
        .unknownService, "there is no service `\(key)`", at: service.mark, path: service.path,
        help: "the services are \(services.map(\.key).joined(separator: ", "))")
    }
    guard found.fields["platform"]?.text != "railway" else { return }
    reading.error(
      .contradiction, "`\(key)` is not on Railway", at: service.mark, path: service.path,
      help: "name a service that is, or use another source")
  }

  private static func isObserved(_ metric: Fields) -> Bool { metric["mode"]?.text == "observe" }

  /// What a gate's rules find naive is told where it is written.
  private func checkGate(_ metric: Fields, of rollout: Fields, _ reading: inout Reading) {
    var draft = GateDraft(
      query: metric.has("template") ? nil : metric["query"]?.text, sampleQuery: metric["sample-query"]?.text,
      isQuantile: metric["template"]?.text == "http-p95",
      MetricThresholds(
        pass: metric["pass"]?.text.flatMap(Threshold.init),
        abort: metric["abort"]?.text.flatMap(Threshold.init),
        minSamples: Double(metric["min-samples"]?.int ?? 0)),
      // A latency has no bound of samples that a test could stand in for.
      hasStatistics: metric.has("alpha") && Self.isShare(metric), isObserved: Self.isObserved(metric),
      variant: metric["variant"]?.fields?["label"]?.text, isDilutionAccepted: metric.has("dilution"),
      initialDelay: rollout["initial-delay"]?.duration)
    // A question that was refused already says nothing more.
    guard ["template", "run", "probe", "railway"].contains(where: metric.has) || draft.query != nil else {
      return
    }
    if metric.has("run") || metric.has("probe") { draft.isRate = false }
    let probes = metric["probe"]?.fields.map { $0["samples"]?.int ?? 50 }
    let ofProbes =
      metric["probe"]?.fields?["measure"]?.text == "success"
      ? probes.flatMap { NaiveGate.ofProbes($0, draft.thresholds) } : nil
    checkStatistics(metric, draft, of: rollout, &reading)
    if let service = metric["railway"]?.fields?["service"], let key = service.text {
      checkRailway(key, service, &reading)
    }
    for gate in NaiveGate.all(in: draft) + [ofProbes].compactMap(\.self) {
      let place = gate.mistake.keys.lazy.compactMap { metric[$0] }.first
      let pass = gate.mistake == .contradicting ? metric["pass"] : nil
      reading.error(
        .contradiction, gate.why, at: place?.mark ?? metric.mark, path: place?.path ?? metric.path,
        help: gate.safer, related: pass.map { [.init(mark: $0.mark, message: "what passes")] } ?? [])
    }
  }
}

extension NaiveGate.Mistake {
  /// The keys of a metric that it is about, the first that is written; none: the metric as a whole.
  fileprivate var keys: [String] {
    switch self {
    case .contradicting, .fewSamples: ["abort"]
    case .uncounted: ["min-samples"]
    case .topBucket: ["pass", "abort"]
    case .noErrorsNoData, .severalSeries, .window, .early: ["query"]
    case .diluted: []
    }
  }
}
