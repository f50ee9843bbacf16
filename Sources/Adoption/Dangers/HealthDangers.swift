/// Checks of health that cannot fail, or that the version before answers.
enum HealthDangers {
  static func find(_ step: Workflow.Step, isDetached: Bool) -> [Danger] {
    let asks = step.commands.filter { command in
      Shell.asks(command.value) && !Shell.isLocal(command.value) && isAboutHealth(command.value, step)
    }
    guard let first = asks.first else { return [] }
    var found: [Danger] = []
    if let place = step.continuesOnError {
      found.append(
        Danger(.deafHealth, place, "the check of health may fail, and the job goes on as if it had not"))
    } else if let deaf = deafness(asks, step) {
      found.append(deaf)
    }
    if let skipped = skip(step, before: first) { found.append(skipped) }
    if isDetached {
      found.append(
        Danger(
          .staleHealth, first.evidence,
          "after a detached upload the version before still answers: this can be satisfied by it"))
    }
    return found
  }

  private static func isAboutHealth(_ command: String, _ step: Workflow.Step) -> Bool {
    if command.contains("%{http_code}") { return true }
    let path = HealthAddress.path(in: command) ?? HealthAddress.pathAfterVariable(in: command)
    if let path, HealthAddress.isHealth(path) { return true }
    return step.name?.lowercased().containsAny("health", "smoke", "verify") ?? false
  }

  /// Nil when some way through the script fails.
  private static func deafness(_ asks: [Sourced<String>], _ step: Workflow.Step) -> Danger? {
    let fails = step.commands.contains {
      $0.value.contains(#/\b(exit|return)\s+("?\$|[1-9])/#) || $0.value == "false"
    }
    if fails { return nil }
    for ask in asks {
      let isBare = ask.value.hasPrefix("curl ") || ask.value.hasPrefix("wget ")
      let isStrict =
        ask.value.hasPrefix("wget ") || ask.value.contains("--fail")
        || ask.value.contains(#/\s-[A-Za-z]*f[A-Za-z]*\b/#)
      if isBare, isStrict, Shell.swallowed(ask.value) == nil, !ask.value.contains("&& break") { return nil }
      // `VALUE=$(curl -f …)` fails the shell as a bare one does.
      if isStrict, ask.value.contains(#/^[A-Za-z_]+=("?)\$\(curl/#), !ask.value.contains("||") { return nil }
    }
    guard let first = asks.first else { return nil }
    let isLoop = step.commands.contains { $0.value.contains(#/^(for|while|until)\s/#) }
    if let end = Shell.swallowed(first.value) {
      return Danger(.deafHealth, first.evidence, "the check of health ends in `\(end)`: it cannot fail")
    }
    return Danger(
      .deafHealth, first.evidence,
      isLoop
        ? "the loop asks for health, and when it has asked often enough the step succeeds all the same"
        : "the answer about health is only printed: whatever it is, the step succeeds")
  }

  /// `exit 0` where an address is missing.
  private static func skip(_ step: Workflow.Step, before first: Sourced<String>) -> Danger? {
    let commands = step.commands.prefix { $0.evidence < first.evidence }
    guard let test = commands.firstIndex(where: { $0.value.contains(#/if\s+\[+\s+-z\s/#) }),
      let end = commands[test...].firstIndex(where: { $0.value.trimmed == "exit 0" }), end - test <= 3
    else { return nil }
    return Danger(
      .deafHealth, commands[end].evidence,
      "the check of health is skipped with success where its address is not set")
  }
}
