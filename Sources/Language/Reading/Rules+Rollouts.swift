import Model

extension Rules {
  /// What the parts of a rollout say of each other (contract rollout-analysis §2).
  func checkRollouts(_ reading: inout Reading) {
    for entry in fields["rollouts"]?.map ?? [] {
      guard let rollout = entry.value.fields else { continue }
      checkSteps(rollout, &reading)
      checkBake(rollout, &reading)
      if let flag = rollout["flag"]?.fields { checkFlag(flag, rollout, &reading) }
      if let windows = rollout["windows"]?.fields, let zone = windows["timezone"], let name = zone.text {
        checkZone(name, zone, &reading)
      }
      for freeze in rollout["freeze"]?.list ?? [] {
        if let fields = freeze.fields { checkFreeze(fields, &reading) }
      }
      checkMetrics(rollout, &reading)
    }
  }

  private func checkSteps(_ rollout: Fields, _ reading: inout Reading) {
    let steps = rollout["steps"]?.list ?? []
    for step in steps {
      guard let share = step.number, FlagShare(percent: share) == nil else { continue }
      reading.error(
        .badNumber, "\(share) has more than three decimals", at: step.mark, path: step.path,
        help: "flag stores count in thousandths of a percent")
    }
    for (before, step) in zip(steps, steps.dropFirst()) {
      guard let low = before.number, let high = step.number, high <= low else { continue }
      reading.error(
        .contradiction, "the steps must rise", at: step.mark, path: step.path,
        help: "put them in order, each once")
    }
    if let last = steps.last, let share = last.number, share != 100 {
      reading.error(
        .contradiction, "the last step must be 100", at: last.mark, path: last.path, help: "add 100")
    }
    for step in rollout["approval"]?.list ?? [] {
      guard let share = step.number, !steps.contains(where: { $0.number == share }) else { continue }
      reading.error(
        .contradiction, "`approval` names \(Self.plain(share)), which is no step", at: step.mark,
        path: step.path, help: "the steps are \(Self.listed(steps))")
    }
  }

  private func checkBake(_ rollout: Fields, _ reading: inout Reading) {
    guard let bake = rollout["bake"] else { return }
    let steps = rollout["steps"]?.list ?? []
    for entry in bake.map {
      guard let share = Double(entry.key), !steps.contains(where: { $0.number == share }) else { continue }
      reading.error(
        .contradiction, "`bake` names \(entry.key), which is no step", at: entry.mark, path: entry.value.path,
        help: "the steps are \(Self.listed(steps))")
    }
    if bake.duration == nil {
      let known = bake.map.compactMap { Double($0.key) }
      let missing = steps.filter { step in step.number.map { !known.contains($0) } ?? false }
      if !missing.isEmpty {
        reading.error(
          .contradiction, "`bake` says nothing of \(Self.listed(missing))", at: bake.mark, path: bake.path,
          help: "give every step its time, or write one for all, such as `bake: 4h`")
      }
    }
    guard rollout.has("metrics") else { return }
    let least = (rollout["interval"]?.duration ?? .seconds(300)) * (rollout["settle"]?.int ?? 3)
    for placed in bake.duration == nil ? bake.map.map(\.value) : [bake] {
      guard let time = placed.duration, time < least else { continue }
      reading.error(
        .contradiction,
        "a bake of \(Quantity.text(time)) ends before `settle` readings are there, which takes \(Quantity.text(least))",
        at: placed.mark, path: placed.path, help: "make it longer, or lower `interval` or `settle`")
    }
  }

  /// Which keys of a flag each provider needs.
  private static let needs = [
    "launchdarkly": ["project", "environment", "token"], "flagd": ["file"],
    "variable": ["service", "variable"],
  ]
  private static let belongings = [
    "launchdarkly": ["project", "environment", "token", "url", "serve", "context"],
    "flagd": ["file", "serve"], "variable": ["service", "variable"],
  ]

  private func checkFlag(_ flag: Fields, _ rollout: Fields, _ reading: inout Reading) {
    guard let provider = flag["provider"], let name = provider.text, let needs = Self.needs[name] else {
      return
    }
    for key in needs where !flag.has(key) {
      reading.error(
        .contradiction, "a flag of \(name) needs `\(key)`", at: flag.mark, path: flag.path,
        help: "`shipit explain rollouts.flag.\(key)` says more")
    }
    for key in flag.shape.keys
    where key.name != "provider" && Self.belongings[name]?.contains(key.name) == false {
      guard let mark = flag.keyMarks[key.name] else { continue }
      reading.error(
        .contradiction, "a flag of \(name) has no `\(key.name)`", at: mark, path: "\(flag.path).\(key.name)",
        help: "remove it")
    }
    guard name == "variable" else { return }
    if let service = flag["service"], let key = service.text, !services.contains(where: { $0.key == key }) {
      reading.error(
        .unknownService, "there is no service `\(key)`", at: service.mark, path: service.path,
        help: Suggestion.nearest(to: key, among: services.map(\.key)).map { "did you mean `\($0)`?" }
          ?? "the services are \(services.map(\.key).joined(separator: ", "))")
    }
    if let step = rollout["steps"]?.list.first(where: { $0.number.map { $0 < 100 } ?? false }),
      let share = step.number
    {
      reading.error(
        .contradiction,
        "an environment variable is the same for every caller, so \(Self.plain(share)) % cannot be served",
        at: step.mark, path: step.path, help: "write `steps: [100]`, or use a flag store",
        related: [.init(mark: provider.mark, message: "the flag is a variable")])
    }
  }

  private static func plain(_ share: Double) -> String {
    Int(exactly: share).map(String.init) ?? String(share)
  }

  private static func listed(_ steps: [Placed]) -> String {
    steps.compactMap { $0.number.map(plain) }.joined(separator: ", ")
  }
}
