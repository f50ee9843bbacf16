import Concurrency
import Interface
import Model
import Runner
import Secrets

/// The commands that make values: each is kept in its source and printed nowhere.
extension SecretsCommand {
  /// Makes a value and keeps it in the first source that can be written to, once: what is there stays.
  static func generate(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation, place: 1) { project, environment, console throws(Failure) in
      let name = try secretName(invocation, environment)
      let rule = environment.demands.rules[name]
      let generator = try SecretGenerator(
        try alphabet(invocation), length: try length(invocation), rule: rule)
      if environment.demands.isKept(name) {
        return try await generateKept(name, generator, invocation, project, environment, console)
      }
      let ledger = try await Session.ledger(project, environment, Session.clock)
      return try await underLease("secrets generate", ledger) { confirm throws(Failure) in
        let pool = await SecretPool.open(
          environment.secrets, wanting: [name],
          SecretAccess(root: project.root, process: processEnvironment()))
        for warning in pool.warnings { console.warning(warning) }
        let outcome = try await SecretWriter(pool, environment: environment.name).generate(name) {
          () async throws(Failure) in
          let value = try newValue(generator, name, rule, console)
          try confirm()
          try await record(.secretGenerated, "\(name) is about to get a value", ledger)
          return value
        }
        switch outcome {
        case .kept(let source):
          console.result(
            MessageReport(
              environment: environment.name, "\(name) has a value in \(source) already; nothing was written"))
        case .written(let source):
          try await record(.secretGenerated, "\(name) in \(source)", ledger)
          console.result(
            MessageReport(
              environment: environment.name,
              "\(name) has a new value in \(source): \(generator.length) characters of \(generator.alphabet.rawValue)",
              next: "shipit secrets sync \(environment.name), or deploy"))
        }
        return .done
      }
    }
  }

  /// Nobody deploys, and nobody else makes values, between the reading of a source and the writing to it.
  private static func underLease(
    _ purpose: String, _ ledger: any Ledger,
    _ work:
      @escaping @Sendable (_ confirm: @escaping @Sendable () throws(Failure) -> Void)
      async throws(Failure) -> ExitCode
  ) async throws(Failure) -> ExitCode {
    let interrupter = Interrupter()
    // A signal ends the work, not the process: the lease is given back.
    let signals = Signals(interrupter) {}
    defer { withExtendedLifetime(signals) {} }
    let leased = LeasedWork(
      in: ledger, as: LedgerPlace.holder(purpose, processEnvironment()),
      RunSurroundings(clock: Session.clock, redact: { $0 }, watch: { _ in }), interrupter: interrupter)
    let task = Task { () async -> Result<ExitCode, Failure> in
      do throws(Failure) { return .success(try await leased.run(work)) } catch { return .failure(error) }
    }
    interrupter.onCancel { task.cancel() }
    return try await task.value.get()
  }

  private static func secretName(
    _ invocation: Invocation, _ environment: Model.Environment
  ) throws(Failure) -> String {
    let action = invocation.positional(0) ?? ""
    let uses = SecretUses(environment)
    let known = uses.all.union(environment.demands.rules.keys)
    guard let name = invocation.positional(2) else {
      throw Failure(
        .configuration, "secrets \(action) wants the name of a secret",
        cause: known.isEmpty ? nil : "\(environment.name) uses \(known.sorted().joined(separator: ", "))",
        hint: "shipit secrets \(action) \(environment.name) \(known.min() ?? "NAME")")
    }
    guard known.contains(name) else {
      throw Failure(
        .configuration, "\(environment.name) uses no secret \(name)",
        cause: known.isEmpty ? nil : "it uses \(known.sorted().joined(separator: ", "))",
        hint: "write {secret: \(name)} where it is needed first, in environments/\(environment.name).yaml")
    }
    return name
  }

  private static func alphabet(_ invocation: Invocation) throws(Failure) -> SecretGenerator.Alphabet {
    guard let kind = invocation.value("kind") else { return .base64url }
    guard let alphabet = SecretGenerator.Alphabet(rawValue: kind) else {
      throw Failure(
        .configuration, "--kind does not know “\(kind)”",
        hint: "it takes \(SecretGenerator.Alphabet.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return alphabet
  }

  private static func length(_ invocation: Invocation) throws(Failure) -> Int? {
    guard let text = invocation.value("length") else { return nil }
    guard let length = Int(text), (1...4096).contains(length) else {
      throw Failure(
        .configuration, "--length takes a whole number from 1 to 4096, not “\(text)”",
        hint: "leave it out for 256 bits")
    }
    return length
  }

  /// Hidden before anybody else has it.
  /// - Throws: `configuration` when it would break the secret's own rules.
  static func newValue(
    _ generator: SecretGenerator, _ name: String, _ rule: SecretRule?, _ console: Console
  ) throws(Failure) -> Sensitive {
    let value = generator.value()
    console.hide([(name, value)])
    let broken = SecretRuleCheck.violations(rule.map { [name: $0] } ?? [:]) { _ in value }
    if let problems = broken.first?.problems {
      throw Failure(
        .configuration, "what would be generated for \(name) breaks its rules, and nothing was written",
        place: rule?.place.description, cause: problems.joined(separator: ", "),
        hint: "choose --kind and --length so that it fits, or set \(name) where it comes from")
    }
    return value
  }

  private static func record(
    _ kind: Decision.Kind, _ reason: String, _ ledger: any Ledger
  ) async throws(Failure) {
    let decision = Decision(
      kind, by: Session.user(processEnvironment()), at: Session.clock.now, reason: reason)
    // What is written is recorded, also when a signal came meanwhile.
    let task = Task { () async -> Result<Void, Failure> in
      do throws(Failure) { return .success(try await ledger.record(decision)) } catch {
        return .failure(error)
      }
    }
    try await task.value.get()
  }

  /// Begins a rotation, says where it stands, or with --retire ends it. Each phase is one write to the source; what
  /// comes between is a deploy.
  static func rotate(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation, place: 1) { project, environment, console throws(Failure) in
      let name = try secretName(invocation, environment)
      let other = SecretRotation.previous(name)
      guard !environment.demands.isKept(name) else {
        throw Failure(
          .configuration,
          "\(name) is kept by the platforms of its services, and what is rotated is a source's value",
          place: "secrets.rules.\(name).keep",
          hint:
            "shipit secrets generate \(environment.name) \(name) --force makes a new value, and deploys take it up"
        )
      }
      try checkUse(of: other, beside: name, environment)
      let ledger = try await Session.ledger(project, environment, Session.clock)
      return try await underLease("secrets rotate", ledger) { confirm throws(Failure) in
        let pool = await SecretPool.open(
          environment.secrets, wanting: [name, other],
          SecretAccess(root: project.root, process: processEnvironment()))
        for warning in pool.warnings { console.warning(warning) }
        console.hide([name, other].compactMap { name in pool[name].map { (name, $0) } })
        if let failure = pool.failure { throw failure }
        let rotation = try SecretRotation(
          name, environment: environment.name, { pool[$0] }, key: try await ledger.fingerprintKey(),
          releases: try await ledger.recentReleases())
        let writer = SecretWriter(pool, environment: environment.name)
        let deploy = "shipit deploy \(environment.name)"
        func say(_ text: String, next: String? = nil) {
          console.result(MessageReport(environment: environment.name, text, next: next))
        }
        switch (rotation.phase, invocation.has("retire")) {
        case (.idle, false):
          let rule = environment.demands.rules[name]
          let generator = try SecretGenerator(
            try alphabet(invocation), length: try length(invocation), rule: rule)
          let new = try newValue(generator, name, rule, console)
          try confirm()
          try await record(.secretRotated, "\(name) is about to get a new value", ledger)
          let source = try await writer.rotate(rotation, to: new)
          try await record(.secretRotated, "\(name) has a new value in \(source)", ledger)
          say(
            "\(name) has a new value in \(source), and \(other) the old one: nothing runs with it yet",
            next: deploy)
        case (.added, false): say("\(name) has a new value that is not released yet", next: deploy)
        case (.released, false):
          say(
            "the new value of \(name) is released, and the old one is accepted still",
            next:
              "shipit secrets rotate \(environment.name) \(name) --retire, once nothing uses the old one any more"
          )
        case (.retired, _):
          say("the old value of \(name) is retired in its source, not yet where it runs", next: deploy)
        case (.idle, true): say("\(name) has no old value to retire")
        case (.added, true):
          throw Failure(
            .policy,
            "the new value of \(name) is not released yet: without the old one nothing would be valid",
            hint: deploy)
        case (.released, true):
          guard !rotation.isNeededByRollback || invocation.has("force") else {
            throw Failure(
              .policy,
              "a rollback would bring back the release before, which knows the old value of \(name) alone",
              hint: "retire it after the next deploy, or give the rollback up with --force")
          }
          try confirm()
          try await record(.secretRotated, "the old value of \(name) is about to be retired", ledger)
          let source = try await writer.rotate(rotation, to: nil)
          try await record(.secretRotated, "the old value of \(name) is retired in \(source)", ledger)
          say(
            "\(other) in \(source) is the new value too: the old one ends with the next deploy", next: deploy)
        }
        return .done
      }
    }
  }

  /// - Throws: `configuration` when no application would accept the old value.
  private static func checkUse(
    of other: String, beside name: String, _ environment: Model.Environment
  ) throws(Failure) {
    let users = environment.services.filter { $0.variables.values.contains(.secret(name)) }
    let lacking = users.filter { !$0.variables.values.contains(.secret(other)) }.map(\.key.rawValue)
    guard users.isEmpty || !lacking.isEmpty else { return }
    throw Failure(
      .configuration,
      users.isEmpty
        ? "no service has the secret \(name): there is nothing to deploy it with"
        : "\(lacking.joined(separator: ", ")) would not know the old value of \(name) while it is rotated",
      place: "environments/\(environment.name).yaml",
      cause: "a rotation in two phases keeps the old value valid as \(other) until nothing uses it",
      hint: "write `\(other): {secret: \(other)}` beside it, and let the application accept both")
  }
}
