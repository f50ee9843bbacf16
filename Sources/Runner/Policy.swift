package import Concurrency
package import Engine
package import Model
package import Zones

/// Where the rules of `protect` get their facts from.
package struct PolicySources: Sendable {
  /// Whoever runs the command; nil: known by no other name than the operation's.
  package var person: Person?
  /// The zone of whoever reads what is printed.
  package var reader: Zone
  /// A zone by its name.
  package var zone: @Sendable (String) throws(Failure) -> Zone
  /// What is known of the environment that must come first.
  package var upstream: @Sendable (String) async throws(Failure) -> UpstreamState

  package init(
    person: Person? = nil, reader: Zone = .utc,
    zone: @escaping @Sendable (String) throws(Failure) -> Zone = PolicySources.systemZone([:]),
    upstream: @escaping @Sendable (String) async throws(Failure) -> UpstreamState = PolicySources.noUpstream
  ) {
    self.person = person
    self.reader = reader
    self.zone = zone
    self.upstream = upstream
  }

  /// Zones of the system's data.
  /// - Parameter environment: the variables of this process.
  package static func systemZone(
    _ environment: [String: String]
  ) -> @Sendable (String) throws(Failure) -> Zone {
    let database = ZoneDatabase.system(environment)
    return { name throws(Failure) in
      do throws(ZoneDatabase.Trouble) {
        return try database.zone(name)
      } catch {
        let cause =
          switch error {
          case .noData(let directories): "there is no data in \(directories.joined(separator: ", "))"
          case .unknown: "the system's data has no such zone"
          case .unreadable(let path): "\(path) is not a compiled time zone"
          }
        throw Failure(
          .configuration, "the time zone \(name) cannot be looked up", place: "protect.freeze", cause: cause,
          hint: "install tzdata, or set TZDIR to where it lies")
      }
    }
  }

  package static let noUpstream: @Sendable (String) async throws(Failure) -> UpstreamState = {
    name throws(Failure) in
    throw Failure(.configuration, "what is live in \(name) cannot be looked up here", place: "protect.after")
  }
}

/// Reasons to deploy although a rule of `protect` says no.
package struct PolicyOverrides: Sendable, Hashable {
  package var freeze: String?
  package var after: String?

  package init(freeze: String? = nil, after: String? = nil) {
    self.freeze = freeze
    self.after = after
  }
}

/// What the rules of `protect` say of a plan.
package struct PolicyVerdict: Sendable {
  /// What people decided that the plan relies upon.
  package var decisions: [Decision]
  /// The name under which whoever deploys could give the one approval that is missing.
  package var mayApproveAs: String?
  /// What to end with while it is missing.
  package var missing: Failure?
}

/// The rules of `protect` that are judged once there is a plan: freezes, the environment that comes first, approval.
/// A rollback asks for none of them.
package struct Policy: Sendable {
  let environment: Environment
  let ledger: any Ledger
  let clock: any TimeSource
  let by: String
  let sources: PolicySources

  package init(
    _ environment: Environment, ledger: any Ledger, clock: any TimeSource, by: String, sources: PolicySources
  ) {
    self.environment = environment
    self.ledger = ledger
    self.clock = clock
    self.by = by
    self.sources = sources
  }

  var person: Person { sources.person ?? Person(by: by, names: [by]) }
  private var name: String { environment.name }

  /// Judges a plan that would change something.
  /// - Throws: `policy` for a freeze and for a commit that is not live where it should be first; `stale` when the plan
  ///   moved after it was approved.
  package func judge(_ plan: Plan, _ overrides: PolicyOverrides) async throws(Failure) -> PolicyVerdict {
    var verdict = PolicyVerdict(decisions: try await liftedHolds())
    if let override = try checkFreeze(overrides.freeze) { verdict.decisions.append(override) }
    if let override = try await checkAfter(plan, overrides.after) { verdict.decisions.append(override) }
    try await checkApproval(plan, &verdict)
    return verdict
  }

  /// Holds that were lifted since the last release: the next one relies on it.
  private func liftedHolds() async throws(Failure) -> [Decision] {
    let decisions = try await ledger.decisions(limit: Policy.remembered).filter { $0.kind == .holdLifted }
    guard !decisions.isEmpty else { return [] }
    let last = try await ledger.releases(limit: 1).first?.startedAt
    return decisions.reversed().filter { decision in last.map { decision.at >= $0 } ?? true }
  }

  /// How many decisions are looked at: older ones have expired.
  static let remembered = 100

  // MARK: Freezes

  /// - Parameter reason: to deploy all the same.
  /// - Returns: the override, when one was needed.
  /// - Throws: `policy` within a freeze.
  func checkFreeze(_ reason: String?) throws(Failure) -> Decision? {
    let calendar = try FreezeCalendar(environment.protect.freezes, zone: sources.zone)
    let now = clock.now
    guard let period = calendar.active(at: now) else { return nil }
    if let reason {
      return Decision(
        .freezeOverridden, by: by, at: now, reason: reason, changes: ["freeze \(period.freeze.words)"])
    }
    let why = period.freeze.reason.map { ": \($0)" } ?? ""
    let until =
      calendar.free(after: now).map {
        "until \(FreezeCalendar.words($0, in: period.zone, reader: sources.reader))"
      } ?? "without an end: its freezes follow one another"
    throw Failure(
      .policy, "\(name) is frozen \(until)\(why)", place: "protect.freeze",
      cause: "since \(FreezeCalendar.words(period.begins, in: period.zone, reader: sources.reader)), by "
        + "`\(period.freeze.words)`; a rollback is possible at any time",
      hint: "deploy after it; shipit deploy \(name) --override-freeze 'reason', which the release records; "
        + "or shipit rollback \(name)")
  }

  // MARK: The environment that comes first

  private func checkAfter(_ plan: Plan, _ reason: String?) async throws(Failure) -> Decision? {
    guard let first = environment.protect.after else { return nil }
    let objection: (message: String, cause: String?)?
    do throws(Failure) {
      objection = try await sources.upstream(first).objection(to: plan.commit)
    } catch {
      if error.kind == .cancelled { throw error }
      objection = (
        "whether \(short(plan.commit)) is live in \(first) cannot be looked up",
        [error.message, error.cause, error.hint.map { "to do: \($0)" }].compactMap(\.self).joined(
          separator: "; ")
      )
    }
    guard let objection else { return nil }
    if let reason {
      return Decision(.afterOverridden, by: by, at: clock.now, reason: reason, changes: [objection.message])
    }
    throw Failure(
      .policy, objection.message, place: "protect.after", cause: objection.cause,
      hint: "shipit deploy \(first) --commit \(short(plan.commit)), then this again; or "
        + "shipit deploy \(name) --override-after 'reason', which the release records")
  }

  // MARK: Approval

  private func checkApproval(_ plan: Plan, _ verdict: inout PolicyVerdict) async throws(Failure) {
    guard let rule = environment.protect.approval else { return }
    let decision = ApprovalDecision(
      rule, decisions: try await ledger.decisions(limit: Policy.remembered), digest: plan.digest,
      commit: plan.commit, deployer: person, now: clock.now)
    verdict.decisions += decision.granted
    guard decision.missing > 0 else { return }
    try await want(plan, decision)
    if decision.missing == 1 {
      verdict.mayApproveAs = person.name(among: decision.candidates(deployer: person))
    }
    verdict.missing = missing(plan, decision)
  }

  /// The approval of whoever deploys, given by agreeing to the plan.
  func approve(_ plan: Plan, as name: String) async throws(Failure) -> Decision {
    let now = clock.now
    let approval = Decision(
      .approved, by: by, at: now, person: name, reason: "agreed to while deploying", digest: plan.digest,
      binding: plan.binding, commit: plan.commit, subject: plan.subject,
      expires: now + (environment.protect.approval?.expires ?? .zero))
    try await ledger.record(approval)
    return approval
  }

  /// Notes in the ledger that this plan waits, once, so that `shipit approve` knows what it is about.
  /// - Throws: `stale` when an earlier plan of this commit was approved and this one is not it.
  private func want(_ plan: Plan, _ decision: ApprovalDecision) async throws(Failure) {
    guard !decision.isWanted else { return }
    let now = clock.now
    try await ledger.record(
      Decision(
        .approvalWanted, by: by, at: now, digest: plan.digest, binding: plan.binding, commit: plan.commit,
        subject: plan.subject, changes: Policy.changes(of: plan),
        expires: now + .seconds(7 * 86_400)))
    guard let last = decision.void.last else { return }
    let moved = last.binding.flatMap { earlier in plan.binding?.moved(since: earlier) } ?? []
    throw Failure(
      .stale,
      "the plan for \(short(plan.commit)) moved after \(list(decision.void.compactMap(\.person))) approved it",
      place: "protect.approval",
      cause: moved.isEmpty ? nil : "what moved: \(moved.joined(separator: ", "))",
      hint: "look at it (shipit plan \(name)), and have it approved anew: \(command(plan))")
  }

  private func missing(_ plan: Plan, _ decision: ApprovalDecision) -> Failure {
    let candidates = decision.candidates(deployer: person)
    let people = decision.missing == 1 ? "an approval" : "\(decision.missing) approvals"
    var facts = [decision.words]
    if let old = decision.expired.last?.person { facts.append("that of \(old) has expired") }
    if let old = decision.void.last?.person { facts.append("that of \(old) was of an earlier plan") }
    if !decision.rule.own, person.name(among: decision.rule.by) != nil {
      facts.append("one's own does not count")
    }
    return Failure(
      .waiting, "\(short(plan.commit)) needs \(people) before it goes to \(name)", place: "protect.approval",
      cause: facts.joined(separator: "; "),
      hint: "\(list(candidates, or: true)) may type: \(command(plan)); then deploy again")
  }

  private func command(_ plan: Plan) -> String { "shipit approve \(name) --digest \(plan.digest.prefix(12))" }

  /// What a plan would change, a line for each service.
  package static func changes(of plan: Plan) -> [String] {
    plan.services.map { service in
      let names = service.settings.map(\.name) + service.variables.map(\.name)
      let what = service.reasons.joined(separator: ", ")
      return "\(service.service): \(what)" + (names.isEmpty ? "" : " (\(names.joined(separator: ", ")))")
    }
  }

  // MARK: What a plan shows

  /// What each rule says now, for a plan that only looks. Never throws: what cannot be looked up is said.
  package func outlook(_ plan: Plan) async -> [PolicyNote] {
    var notes: [PolicyNote] = []
    if let branch = environment.protect.branch {
      notes.append(PolicyNote(rule: "branch", isMet: true, words: "\(short(plan.commit)) is on \(branch)"))
    }
    if !environment.protect.freezes.isEmpty { notes.append(freezeNote()) }
    if let first = environment.protect.after { notes.append(await afterNote(plan, first)) }
    if let rule = environment.protect.approval { notes.append(await approvalNote(plan, rule)) }
    return notes
  }

  private func freezeNote() -> PolicyNote {
    do throws(Failure) {
      let calendar = try FreezeCalendar(environment.protect.freezes, zone: sources.zone)
      let now = clock.now
      func words(_ moment: Timestamp, _ period: FreezePeriod) -> String {
        FreezeCalendar.words(moment, in: period.zone, reader: sources.reader)
      }
      if let period = calendar.active(at: now) {
        let until = calendar.free(after: now).map { "until \(words($0, period))" } ?? "without an end"
        let why = period.freeze.reason.map { ": \($0)" } ?? ""
        return PolicyNote(rule: "freeze", isMet: false, words: "in force \(until)\(why)")
      }
      guard let period = calendar.next(after: now) else {
        return PolicyNote(rule: "freeze", isMet: true, words: "none any more")
      }
      let why = period.freeze.reason.map { ": \($0)" } ?? ""
      return PolicyNote(
        rule: "freeze", isMet: true, words: "the next begins \(words(period.begins, period))\(why)")
    } catch {
      return PolicyNote(rule: "freeze", isMet: false, error)
    }
  }

  private func afterNote(_ plan: Plan, _ first: String) async -> PolicyNote {
    do throws(Failure) {
      guard let objection = try await sources.upstream(first).objection(to: plan.commit) else {
        return PolicyNote(
          rule: "after", isMet: true, words: "\(short(plan.commit)) is live and healthy in \(first)")
      }
      return PolicyNote(
        rule: "after", isMet: false,
        words: [objection.message, objection.cause].compactMap(\.self).joined(separator: "; "))
    } catch {
      return PolicyNote(rule: "after", isMet: false, error)
    }
  }

  private func approvalNote(_ plan: Plan, _ rule: ApprovalRule) async -> PolicyNote {
    do throws(Failure) {
      let decision = ApprovalDecision(
        rule, decisions: try await ledger.decisions(limit: Policy.remembered), digest: plan.digest,
        commit: plan.commit, deployer: person, now: clock.now)
      let who = decision.missing == 0 ? "" : "; \(list(decision.candidates(deployer: person), or: true)) may"
      return PolicyNote(rule: "approval", isMet: decision.missing == 0, words: decision.words + who)
    } catch {
      return PolicyNote(rule: "approval", isMet: false, error)
    }
  }
}

extension PolicyNote {
  init(rule: String, isMet: Bool, _ failure: Failure) {
    self.init(
      rule: rule, isMet: isMet,
      words: [failure.message, failure.cause].compactMap(\.self).joined(separator: ": "))
  }
}

/// `ann`, `ann or bo`, `ann, bo or cy`; with and instead of or.
private func list(_ names: [String], or: Bool = false) -> String {
  guard let last = names.last, names.count > 1 else { return names.first ?? "nobody" }
  return names.dropLast().joined(separator: ", ") + (or ? " or " : " and ") + last
}

/// The first seven digits of a commit, for people.
func short(_ commit: String) -> String { String(commit.prefix(7)) }
