import Concurrency
import Crypto
import JSON
import Model

/// Environments that are made out of another one (contract railway §9: `environmentCreate` with a source).
///
/// Railway copies services, settings, variables and empty volumes, and with `skipInitialDeploys` starts nothing. So what
/// belongs to the other environment is taken out before anything runs: every variable of every service goes, but those of
/// the databases that are kept, whose passwords are made anew. The mark, a shared variable, is written last of all: an
/// environment without it is not ready yet, or none of ours.
extension RailwayPlatform {
  /// Whether a fork is there: complete, begun by shipit, or somebody else's.
  /// - Parameter since: nothing else can have made what is younger: a step began then, under the lease of its name, and
  ///   nobody knows whether it made it. Nil: what is there and has no mark was not made by this step.
  /// - Throws: `Failure` of kind policy for somebody else's, among others.
  func lookForFork(
    _ fork: RailwayFork, _ creation: Creation, _ call: StepCall, since: Timestamp? = nil
  ) async throws -> Presence {
    guard let resolved = try await found(creation).resolved else { return .none }
    let id = resolved.place.environment
    if try await client.sharedVariables(in: resolved.place)[PreviewMark.variable] == fork.mark {
      return .one(id)
    }
    let facts = try await client.facts(of: resolved.place)
    let isKnown = call.externalID == id || places.made.withLock { $0.contains(id) }
    let isYoung = since.map { since in facts.createdAt.map { $0 >= since } ?? false } ?? false
    guard facts.isEphemeral, isKnown || isYoung else { throw RailwayPlatform.foreign(creation.name) }
    places.made.withLock { _ = $0.insert(id) }
    return .begun(id)
  }

  /// The same after a step was begun of which no end is known.
  func probeForFork(
    _ fork: RailwayFork, _ creation: Creation, _ call: StepCall
  ) async throws -> Presence {
    let since = await client.serverMoment(call.beganAt, margin: .seconds(1))
    return try await lookForFork(fork, creation, call, since: since)
  }

  package func remember(made: Set<String>) { places.made.withLock { $0.formUnion(made) } }

  static func foreign(_ name: String) -> Failure {
    Failure(
      .policy, "the Railway environment \(name) is there, and is no preview of shipit's", place: "Railway",
      cause: "it does not bear the mark \(PreviewMark.variable) of this preview",
      hint: "choose another name: --name NAME; or remove it in Railway's dashboard, if nobody needs it")
  }

  /// Takes out what is the other environment's, starts the databases, and leaves the mark. The same when repeated.
  func prepareFork(
    _ fork: RailwayFork, _ creation: Creation, _ call: StepCall
  ) async throws {
    guard let resolved = try await found(creation).resolved else {
      throw Failure(
        .failed, "\(creation.words) is not there any more", place: "Railway",
        hint: "type the same command again")
    }
    let place = resolved.place
    try await waitForInstances(fork, creation, resolved, call)
    let state = try await client.state(of: place, withVolumes: true)
    for service in state.services.values.sorted(by: { $0.name < $1.name }) {
      let target = ServiceTarget(
        service: ServiceName(rawValue: service.name), platform: .railway, name: service.name,
        ids: ["service": service.id, "environment": place.environment, "project": place.project])
      let stored = try await client.storedVariables(of: target)
      guard fork.keeps.contains(where: service.isNamed) else {
        if !stored.isEmpty {
          call.report(.progress("taking out the variables of \(service.name)"))
          try await replace([:], in: place, service: service.id)
        }
        continue
      }
      guard service.newest == nil else { continue }
      call.report(.progress("starting \(service.name), empty"))
      // Once: what was started with a password keeps it.
      if stored[PreviewMark.variable] == nil {
        var own = RailwayPlatform.renewed(stored)
        own[PreviewMark.variable] = fork.mark
        try await replace(own, in: place, service: service.id)
      }
      _ = try await client.mutate(
        Documents.deploy,
        ["serviceId": .string(service.id), "environmentId": .string(place.environment), "commitSha": .null])
    }
    try await replace([PreviewMark.variable: fork.mark], in: place, service: nil)
  }

  /// A database's variables as they were, with every password of its own made anew.
  static func renewed(_ stored: [String: Sensitive?]) -> [String: String] {
    var renewed: [String: String] = [:]
    for (name, value) in stored {
      // What cannot be read is not copied either.
      guard let text = value?.reveal() else { continue }
      let isSecret = ["PASS", "SECRET", "TOKEN", "KEY"].contains { name.uppercased().contains($0) }
      renewed[name] = isSecret && !text.contains("${{") ? Hex.encode(randomBytes(24)) : text
    }
    return renewed
  }

  private func replace(
    _ values: [String: String], in place: Place, service: String?
  ) async throws(APIError) {
    var input: [String: JSON] = [
      "projectId": .string(place.project), "environmentId": .string(place.environment),
      "variables": .object(values.mapValues { .string($0) }), "replace": true, "skipDeploys": true,
    ]
    if let service { input["serviceId"] = .string(service) }
    _ = try await client.mutate(
      Documents.variablesUpsert, ["input": .object(input)], hiding: values.values.map { Sensitive($0) })
  }

  /// Railway shows the copies late: every service of the other environment has one.
  private func waitForInstances(
    _ fork: RailwayFork, _ creation: Creation, _ resolved: ResolvedPlace, _ call: StepCall
  ) async throws {
    let source = try await self.source(of: fork, creation)
    let wanted = try await client.state(of: source).services.keys
    var pause = Duration.milliseconds(200)
    while true {
      let there = try await client.state(of: resolved.place).services
      if wanted.allSatisfy({ there[$0] != nil }) { return }
      guard clock.now + pause < call.deadline else {
        throw Failure(
          .timeout, "\(creation.words) was made, and not all of its services show yet", place: "Railway",
          hint: "type the same command again: it looks before it makes anything")
      }
      call.report(.progress("waits until its services show"))
      try await clock.sleep(for: pause)
      pause = min(pause * 2, .seconds(3))
    }
  }

  /// Where the environment is that a fork is made out of.
  func source(of fork: RailwayFork, _ creation: Creation) async throws(Failure) -> Place {
    guard case .railway(var target) = creation.account else {
      throw Failure(.internalError, "\(creation.words) is none of Railway's")
    }
    (target.environment, target.fork) = (fork.source, nil)
    return try await Resolution(client: client).place(of: target).place
  }
}

extension RailwayClient {
  /// The shared variables of an environment, as written; what cannot be read is left out.
  func sharedVariables(in place: Place, _ manner: Manner = .read) async throws(APIError) -> [String: String] {
    let data = try await read(
      Documents.variables,
      [
        "projectId": .string(place.project), "environmentId": .string(place.environment),
        "serviceId": .null, "unrendered": .bool(true),
      ], manner)
    return RailwayVariables.read(data["variables"]).compactMapValues { $0?.reveal() }
  }

  /// What is only asked of a fork.
  func facts(of place: Place) async throws(APIError) -> (isEphemeral: Bool, createdAt: Timestamp?) {
    let data = try await read(
      Documents.environmentFacts,
      ["projectId": .string(place.project), "environmentId": .string(place.environment)])
    let node = data["environment"]
    return (
      node?["isEphemeral"]?.bool ?? false, node?["createdAt"]?.string.flatMap { Timestamp(iso8601: $0) }
    )
  }
}
