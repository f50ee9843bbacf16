import Concurrency
import JSON
import Model

/// A switch of production: a promotion or a rollback, and where it leads (contract §4).
struct Switch: Sendable, Hashable {
  var kind: AliasJob.Kind
  /// The deployment that production is to serve.
  var to: String
  /// By the server's clock: no earlier request is this one.
  var since: Timestamp
  /// The last job that was there before: it is not this one either.
  var before: AliasJob?

  /// Whether a project's last job is this switch: by target, kind and time (contract §4.4).
  func isMine(_ job: AliasJob?) -> Bool {
    guard let job, job.to == to, job.kind == kind, job.requestedAt >= since else { return false }
    return !job.isSame(as: before)
  }

  var word: String { kind == .promote ? "promotion" : "rollback" }
}

/// What the state of a project means to one who waits for a switch. Pure.
struct SwitchDecision: Sendable {
  enum Verdict: Sendable, Hashable {
    case keepWaiting(String?)
    /// Production serves it, as far as the project tells: its addresses are looked at next.
    case switched
    /// The job says so; some addresses may have moved.
    case failed(String)
    /// Another deployment took its place meanwhile.
    case overtaken(String)
  }

  let wanted: Switch
  private var said: String?

  init(_ wanted: Switch) { self.wanted = wanted }

  mutating func look(_ project: ProjectAnswer, release: RollingRelease?) -> Verdict {
    let live = project.production?.id
    let job = project.job
    let isMine = wanted.isMine(job)
    if let release, release.isActive, release.canary == wanted.to {
      return tell(release.words + (release.needsApproval ? "; a person approves each stage" : ""))
    }
    if isMine, let job, job.isOver {
      switch job.status {
      case "succeeded": return live == wanted.to ? .switched : tell("its addresses are being moved")
      // Skipped: there was nothing to do, or it was replaced.
      case "skipped": return live == wanted.to ? .switched : .failed("the \(wanted.word) was skipped")
      default: return .failed("the \(wanted.word) ended as \(job.status)")
      }
    }
    if isMine, let job { return tell("the \(wanted.word) is \(job.status)") }
    if let job, job.requestedAt >= wanted.since, !job.isSame(as: wanted.before), job.to != wanted.to {
      return .overtaken(job.to)
    }
    // A rolling release that is complete leaves no job of its own.
    if live == wanted.to, release == nil || release?.isActive == false { return .switched }
    if let release, release.state == "ABORTED", release.canary == wanted.to {
      return .failed("the rolling release of \(wanted.to) was aborted")
    }
    if let release, release.isActive, release.queued == wanted.to {
      return tell("queued: \(release.words)")
    }
    return tell("the \(wanted.word) was asked for")
  }

  private mutating func tell(_ words: String) -> Verdict {
    defer { said = words }
    return .keepWaiting(said == words ? nil : words)
  }
}

extension VercelPlatform {
  /// How a switch ended.
  enum SwitchEnd: Sendable {
    case done(ProjectAnswer)
    /// The project serves it, but these addresses do not lead to it.
    case behind([String])
    case outcome(Outcome)
  }

  /// Waits until production serves a deployment, at most until the limit, completing a rolling release on the
  /// way unless a person decides about its stages.
  func wait(
    for wanted: Switch, _ place: Place, hosts: [String], _ call: StepCall, patience: Duration = propagation
  ) async -> SwitchEnd {
    let doing = "waiting for the \(wanted.word) of \(place.name)"
    var decision = SwitchDecision(wanted)
    var pace = PollPace()
    var blindSince: Timestamp?
    var completed = false
    while true {
      do throws(APIError) {
        let manner = VercelClient.Manner(timeout: .seconds(20), attempts: 1, patience: .seconds(20))
        let project = try await client.project(place, rollbackInfo: true, manner)
        var release: RollingRelease?
        if project.rollingRelease != nil {
          release = RollingRelease(try await client.send(Endpoint.rollingRelease(place), manner).body)
        }
        blindSince = nil
        if let release, release.isActive, release.canary == wanted.to, !release.needsApproval, !completed {
          // Flags shift behaviour; the deployment goes to everybody at once (contract §5.3).
          _ = try await client.send(Endpoint.completeRelease(place, canary: wanted.to), manner)
          completed = true
          call.report(.progress("completing the rolling release"))
        }
        switch decision.look(project, release: release) {
        case .keepWaiting(let words):
          if let words {
            call.report(.progress(words))
            pace.restart()
          }
          if clock.now >= call.deadline { return .outcome(overdue(wanted, place, release, call)) }
        case .switched: return await confirm(wanted, place, project, hosts, call, patience)
        case .failed(let words): return .outcome(.failed(await failed(wanted, place, words), moved: true))
        case .overtaken(let id):
          return .outcome(
            .failed(
              Failure(
                .stale,
                "the \(wanted.word) of \(place.name) was overtaken: somebody else switches production to \(id)",
                place: "Vercel project \(place.name)", hint: "`shipit status` shows what is live"),
              moved: true))
        }
      } catch {
        if error.kind == .cancelled { return .outcome(.cancelled(moved: true)) }
        let since = blindSince ?? clock.now
        blindSince = since
        if !error.kind.isPassing || clock.now - since >= WatchDecision.blindness {
          var failure = error.failure(doing, scope: scope(place))
          failure.kind = .unknown
          return .outcome(.unknowable(failure))
        }
        if clock.now >= call.deadline { return .outcome(overdue(wanted, place, nil, call)) }
      }
      let wait = pace.next(await client.quota("getProject"), now: clock.now, random: client.random())
      do { try await clock.sleep(for: min(wait, max(.milliseconds(1), call.deadline - clock.now))) } catch {
        return .outcome(.cancelled(moved: true))
      }
    }
  }

  private func overdue(_ wanted: Switch, _ place: Place, _ release: RollingRelease?, _ call: StepCall)
    -> Outcome
  {
    if let release, release.isActive {
      return .waiting(
        "\(place.name): \(release.words); "
          + (release.canary == wanted.to
            ? "approve its stages with `vercel rolling-release approve`, or abort it"
            : "\(wanted.to) is queued behind it: complete or abort it with `vercel rolling-release`"))
    }
    return .unknowable(
      Failure(
        .unknown, "the \(wanted.word) of \(place.name) to \(wanted.to) did not end in time",
        place: "Vercel project \(place.name)",
        cause: "its limit of \((call.deadline - call.beganAt).components.seconds) s ran out",
        hint: "`shipit status` shows what is live"))
  }

  /// Which addresses were left behind, by name.
  private func failed(_ wanted: Switch, _ place: Place, _ words: String) async -> Failure {
    let answer = try? await client.send(Endpoint.failedAliases(place), .quick(.seconds(10))).body
    let left = (answer?["aliases"]?.array ?? []).compactMap { entry in
      entry["alias"]?.string.map { name in "\(name) (\(entry["status"]?.string ?? "failed"))" }
    }
    return Failure(
      .failed, "the \(wanted.word) of \(place.name) to \(wanted.to) failed",
      place: "Vercel project \(place.name)",
      cause: words + (left.isEmpty ? "" : "; not moved: \(left.joined(separator: ", "))"),
      hint: "`shipit status` shows what is live; see the domains of \(place.name) on vercel.com")
  }

  /// How long an address may lag behind the project (contract §4.4).
  static let propagation: Duration = .seconds(15)

  /// Addresses stayed behind though the switch ended.
  func left(behind hosts: [String], _ wanted: Switch, _ place: Place) -> Failure {
    Failure(
      .failed,
      "the \(wanted.word) of \(place.name) ended, but \(hosts.joined(separator: ", ")) does not lead to it",
      place: "Vercel getAlias of \(place.name)",
      cause:
        "after \(VercelPlatform.propagation.components.seconds) s the address still serves another deployment",
      hint: "see the domains of \(place.name) on vercel.com")
  }

  /// Looks at every address itself: the project's word alone is not the proof.
  func confirm(
    _ wanted: Switch, _ place: Place, _ project: ProjectAnswer, _ hosts: [String], _ call: StepCall,
    _ patience: Duration = propagation
  ) async -> SwitchEnd {
    let end = min(clock.now + patience, call.deadline)
    var pace = PollPace()
    var behind = hosts
    while !behind.isEmpty {
      var still: [String] = []
      for host in behind {
        do throws(APIError) {
          let served = try await alias(host, place)
          if served != wanted.to { still.append(host) }
        } catch {
          if error.kind == .cancelled { return .outcome(.cancelled(moved: true)) }
          still.append(host)
        }
      }
      behind = still
      if behind.isEmpty || clock.now >= end { break }
      let wait = pace.next(await client.quota("getAlias"), now: clock.now, random: client.random())
      do { try await clock.sleep(for: min(wait, max(.milliseconds(1), end - clock.now))) } catch {
        return .outcome(.cancelled(moved: true))
      }
    }
    guard behind.isEmpty else { return .behind(behind) }
    return .done(project)
  }

  /// The deployment behind a host; nil when Vercel knows no such alias.
  func alias(_ host: String, _ place: Place, _ manner: VercelClient.Manner = .ordinary) async throws(APIError)
    -> String?
  {
    do throws(APIError) {
      return try await client.send(Endpoint.alias(place, host), manner).body["deploymentId"]?.string
    } catch {
      if error.kind == .notFound { return nil }
      throw error
    }
  }

  /// The hosts whose lead proves a switch: what production has now and its verified domains.
  func productionHosts(_ project: ProjectAnswer, _ place: Place) async throws(APIError) -> [String] {
    let domains = try await client.domains(of: place)
    var hosts = domains.filter { !$0.isElsewhere && $0.isVerified }.map(\.name)
    if hosts.isEmpty { hosts = project.production?.aliases ?? [] }
    return Array(hosts.prefix(10))
  }
}
