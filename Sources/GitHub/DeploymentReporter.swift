package import Concurrency
package import HTTP
package import Model

/// The deployments of an environment that is gone: GitHub shows them as destroyed (contract github §3).
package enum RetiredDeployments {
  /// Marks those of shipit's runs on the environment as inactive.
  /// - Throws: `authentication`; `failed`.
  package static func retire(
    _ environment: String, of app: String, on target: GitHubTarget, http: any HTTPTransport,
    clock: any TimeSource, version: String
  ) async throws(Failure) {
    let client = GitHubClient(target: target, http: http, version: version)
    for deployment in try await client.deployments(environment: environment)
    where deployment.run?.hasPrefix("\(app)/\(environment)/") == true {
      guard try await client.state(of: deployment) != DeploymentState.inactive.rawValue else { continue }
      try await client.setState(.inactive, of: deployment, description: "the preview is deleted")
      // Writes are kept a second apart (contract github §2.3).
      do { try await clock.sleep(for: .seconds(1)) } catch {
        throw Failure(.cancelled, "stopped while GitHub was told that \(environment) is gone")
      }
    }
  }
}

/// Tells GitHub about one deployment, beside the run and never in its way: nothing here throws, and the end waits
/// at most two seconds.
package actor DeploymentReporter {
  private let client: GitHubClient
  private let clock: any TimeSource
  private let tell: @Sendable (Failure) -> Void
  private var subject: DeploymentSubject?
  private let spawn: Spawner
  private var beginning: Task<Void, Never>?
  private var deployment: GitHubClient.Deployment?
  private var wroteAt: Timestamp?
  /// How it ended is more than that it is under way.
  private var hasEnded = false

  /// How long the end of a run may wait for GitHub, in all.
  package static let patience = Duration.seconds(2)
  /// Between two writes (contract github §2.3).
  private static let pause = Duration.seconds(1)

  /// - Parameter tell: gets what went wrong, once at most; it never concerns the run.
  package init(
    _ target: GitHubTarget, http: any HTTPTransport, clock: any TimeSource, version: String,
    spawn: Spawner = .tasks, tell: @escaping @Sendable (Failure) -> Void
  ) {
    client = GitHubClient(target: target, http: http, version: version)
    self.clock = clock
    self.spawn = spawn
    let told = Locked(false)
    self.tell = { failure in
      let isFirst = told.withLock { told in
        defer { told = true }
        return !told
      }
      if isFirst { tell(failure) }
    }
  }

  /// Makes the deployment, or finds the one that an earlier attempt of the same run made. Returns at once.
  package func begin(_ subject: DeploymentSubject) {
    guard beginning == nil, subject.isCommit else { return }
    self.subject = subject
    beginning = spawn { await self.make(subject) }
  }

  private func make(_ subject: DeploymentSubject) async {
    let handle = "\(subject.app)/\(subject.environment)/\(subject.run)"
    do throws(Failure) {
      // Creating is not idempotent: a lost answer, or a run that was killed, has left one.
      let earlier = try await client.deployments(environment: subject.environment, commit: subject.commit)
      let made: GitHubClient.Deployment
      if let found = earlier.first(where: { $0.run == handle }) {
        made = found
      } else {
        made = try await client.create(subject, handle: handle)
        wroteAt = clock.now
      }
      deployment = made
      guard await pause(), !hasEnded else { return }
      try await client.setState(.inProgress, of: made, description: subject.description)
      wroteAt = clock.now
    } catch {
      if error.kind != .cancelled { tell(error) }
    }
  }

  /// Tells how it ended; a new one that lives retires those before it in production, as far as time allows.
  package func end(_ state: DeploymentState, description: String, environmentURL: String?) async {
    guard let subject, let beginning else { return }
    hasEnded = true
    let clock = clock
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        await beginning.value
        await self.finish(state, subject, description: description, environmentURL: environmentURL)
      }
      group.addTask { try? await clock.sleep(for: Self.patience) }
      await group.next()
      group.cancelAll()
      beginning.cancel()
    }
  }

  private func finish(
    _ state: DeploymentState, _ subject: DeploymentSubject, description: String, environmentURL: String?
  ) async {
    guard let deployment, await pause() else { return }
    do throws(Failure) {
      try await client.setState(
        state, of: deployment, description: description, environmentURL: environmentURL)
      wroteAt = clock.now
      guard state == .success, subject.isProduction else { return }
      for older in try await client.deployments(environment: subject.environment)
      where older.id != deployment.id {
        guard try await client.state(of: older) == DeploymentState.success.rawValue else { continue }
        guard await pause() else { return }
        try await client.setState(.inactive, of: older, description: "replaced by \(description)")
        wroteAt = clock.now
      }
    } catch {
      if error.kind != .cancelled { tell(error) }
    }
  }

  /// Keeps writes apart.
  /// - Returns: false when there is no time left.
  private func pause() async -> Bool {
    guard let wroteAt else { return !Task.isCancelled }
    let rest = Self.pause - (clock.now - wroteAt)
    if rest > .zero { try? await clock.sleep(for: rest) }
    return !Task.isCancelled
  }
}
