import Model

extension Freeze {
  init?(fields: Fields) {
    guard let from = fields["from"]?.text.flatMap({ try? FreezeMoment(parsing: $0) }),
      let to = fields["to"]?.text.flatMap({ try? FreezeMoment(parsing: $0) })
    else { return nil }
    self.init(
      from: from, to: to, timezone: fields["timezone"]?.text ?? "UTC", reason: fields["reason"]?.text)
  }
}

extension RolloutTarget {
  /// A rollout as it was written; nil when something of it was refused.
  init?(fields: Fields, key: String) {
    guard let flag = fields["flag"]?.fields.flatMap(FlagTarget.init(fields:)) else { return nil }
    let bake = fields["bake"]
    let bakes = Dictionary(
      (bake?.map ?? []).compactMap { entry in
        Double(entry.key).flatMap(FlagShare.init(percent:)).map { ($0, entry.value.duration) }
      }, uniquingKeysWith: { _, last in last })
    let approved = Set(
      (fields["approval"]?.list ?? []).compactMap { $0.number.flatMap(FlagShare.init(percent:)) })
    let steps = (fields["steps"]?.list ?? []).compactMap { step -> RolloutStep? in
      guard let share = step.number.flatMap(FlagShare.init(percent:)),
        let bake = bake?.duration ?? bakes[share] ?? nil
      else { return nil }
      return RolloutStep(share: share, bake: bake, needsApproval: approved.contains(share))
    }
    self.init(
      key: key, flag: flag, store: fields["store"]?.fields.flatMap(MetricStoreTarget.init(fields:)),
      steps: steps,
      metrics: (fields["metrics"]?.list ?? []).compactMap { $0.fields.flatMap(MetricTarget.init(fields:)) })
    if let value = fields["interval"]?.duration { interval = value }
    if let value = fields["initial-delay"]?.duration { initialDelay = value }
    if let value = fields["settle"]?.int { settle = value }
    if let value = fields["min-readings"]?.int { minReadings = value }
    maxCredit = fields["max-credit"]?.duration
    maxStep = fields["max-step"]?.duration
    if let word = fields["on-error"]?.text.flatMap(OnStoreError.init(rawValue:)) { onError = word }
    cureWithin = fields["cure-within"]?.duration
    windows = fields["windows"]?.fields.map(RolloutWindows.init(fields:))
    freezes = (fields["freeze"]?.list ?? []).compactMap { $0.fields.flatMap(Freeze.init(fields:)) }
  }
}

extension FlagTarget {
  fileprivate init?(fields: Fields) {
    let store: Store
    switch fields["provider"]?.text {
    case "launchdarkly":
      guard let project = fields["project"]?.text, let environment = fields["environment"]?.text else {
        return nil
      }
      store = .launchDarkly(project: project, environment: environment, url: fields["url"]?.text)
    case "flagd":
      guard let file = fields["file"]?.text else { return nil }
      store = .flagd(file: file)
    case "variable":
      guard let service = fields["service"]?.text, let name = fields["variable"]?.text else { return nil }
      store = .variable(service: ServiceName(rawValue: service), name: name)
    default: return nil
    }
    self.init(store, tokenSecret: fields["token"]?.secret)
    if let serve = fields["serve"]?.text { self.serve = serve }
    if let context = fields["context"]?.text { self.context = context }
  }
}

extension MetricStoreTarget {
  fileprivate init?(fields: Fields) {
    guard let url = fields["url"]?.text else { return nil }
    self.init(
      url: url, tokenSecret: fields["token"]?.secret, user: fields["user"]?.text,
      passwordSecret: fields["password"]?.secret)
  }
}

extension RolloutWindows {
  static let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

  fileprivate init(fields: Fields) {
    self.init(
      timezone: fields["timezone"]?.text ?? "UTC",
      open: (fields["open"]?.list ?? []).compactMap { $0.fields.flatMap(Window.init(fields:)) })
  }
}

extension RolloutWindows.Window {
  fileprivate init?(fields: Fields) {
    guard let from = fields["from"]?.text.flatMap(Self.minute),
      let to = fields["to"]?.text.flatMap(Self.minute)
    else { return nil }
    let days = (fields["days"]?.list ?? []).compactMap {
      $0.text.flatMap(RolloutWindows.weekdays.firstIndex(of:))
    }
    self.init(weekdays: days, from: from, to: to)
  }

  private static func minute(_ text: String) -> Int? {
    let parts = text.split(separator: ":").compactMap { Int($0) }
    return parts.count == 2 ? parts[0] * 60 + parts[1] : nil
  }
}

extension MetricTarget {
  fileprivate init?(fields: Fields) {
    guard let name = fields["name"]?.text, let question = Question(fields: fields) else { return nil }
    let variant = fields["variant"]?.fields.flatMap { label -> Label? in
      guard let name = label["label"]?.text, let value = label["value"]?.text else { return nil }
      return Label(name, value)
    }
    self.init(
      name: name, question: question, pass: fields["pass"]?.text, abort: fields["abort"]?.text,
      minSamples: fields["min-samples"]?.int ?? 0, variant: variant)
    isCritical = fields["critical"]?.bool ?? false
    isObserved = fields["mode"]?.text == "observe"
    interval = fields["interval"]?.duration
    if let value = fields["timeout"]?.duration { timeout = value }
    limits.failures = fields["failure-limit"]?.int
    limits.consecutiveFailures = fields["consecutive-failure-limit"]?.int
    limits.consecutiveErrors = fields["consecutive-error-limit"]?.int
    limits.consecutiveSuccesses = fields["consecutive-success-limit"]?.int
    limits.inconclusive = fields["inconclusive-limit"]?.int
    limits.noData = fields["nodata-limit"]?.int
    limits.count = fields["count"]?.int
    alpha = fields["alpha"]?.number
    if fields["versus"] != nil {
      versus = Comparison(
        baseline: fields["variant"]?.fields?["baseline"]?.text, maxIncrease: fields["max-increase"]?.number,
        minDelta: fields["min-delta"]?.number)
    }
  }
}

extension MetricTarget.Question {
  fileprivate init?(fields: Fields) {
    if let template = fields["template"]?.text {
      let labels = (fields["labels"]?.map ?? []).compactMap { entry in
        entry.value.text.map { MetricTarget.Label(entry.key, $0) }
      }
      self = .template(template, labels: labels, window: fields["window"]?.duration ?? .seconds(300))
    } else if let query = fields["query"]?.text {
      self = .written(query: query, samples: fields["sample-query"]?.text)
    } else if let command = fields["run"]?.list, !command.isEmpty {
      self = .command(command.compactMap(\.text))
    } else if let probe = fields["probe"]?.fields, let url = probe["url"]?.text,
      let measure = probe["measure"]?.text
    {
      self = .probe(url: url, measure: measure, samples: probe["samples"]?.int ?? 50)
    } else if let railway = fields["railway"]?.fields, let service = railway["service"]?.text,
      let measure = railway["measure"]?.text
    {
      self = .railway(
        service: ServiceName(rawValue: service), measure: measure,
        window: railway["window"]?.duration ?? .seconds(300))
    } else {
      return nil
    }
  }
}
