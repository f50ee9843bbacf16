import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// Where an explicit rollback goes, and how.
@Suite struct PlannerRollbackTests {
  // MARK: Which release

  struct History: CustomTestStringConvertible {
    var name: String
    var releases: [Release]
    var to: Int?
    /// Nil: refused.
    var target: Int?
    var testDescription: String { name }
  }

  static let histories = [
    History(name: "two good", releases: [Planned.release(2), Planned.release(1)], target: 1),
    History(
      name: "the newest rolled itself back",
      releases: [Planned.release(3, .rolledBack), Planned.release(2), Planned.release(1)], target: 1),
    History(
      name: "the newest changed nothing",
      releases: [Planned.release(3, .unchanged), Planned.release(2), Planned.release(1)], target: 1),
    History(
      name: "the newest is mixed",
      releases: [Planned.release(3, .mixed), Planned.release(2), Planned.release(1)],
      target: 2),
    History(
      name: "the newest was abandoned",
      releases: [Planned.release(3, .abandoned), Planned.release(2), Planned.release(1)], target: 2),
    History(
      name: "already rolled back once",
      releases: [
        Planned.release(4, .restored, kind: .rollback, restores: 2), Planned.release(3), Planned.release(2),
        Planned.release(1),
      ], target: 1),
    History(name: "only one", releases: [Planned.release(1)], target: nil),
    History(name: "none was good", releases: [Planned.release(1, .mixed)], target: nil),
    History(name: "no release", releases: [], target: nil),
    History(
      name: "named", releases: [Planned.release(3), Planned.release(2), Planned.release(1)], to: 1, target: 1),
    History(name: "named, unknown", releases: [Planned.release(1)], to: 9, target: nil),
    History(
      name: "named, never good", releases: [Planned.release(2), Planned.release(1, .rolledBack)], to: 1,
      target: nil),
  ]

  @Test(arguments: histories)
  func goesBackTo(_ history: History) {
    let request = RollbackRequest(to: history.to, reason: "errors")
    do throws(Failure) {
      let target = try RollbackTarget(of: request, releases: history.releases)
      #expect(target.release.number == history.target)
    } catch {
      #expect(history.target == nil, "\(error)")
      #expect(error.kind == .configuration)
      #expect(error.hint != nil)
    }
  }

  // MARK: How

  private let fingerprint = ReleasedService.RecordedVariable.secret(name: "TOKEN", fingerprint: "one")

  private func old(_ service: ServiceName, _ variables: [String: ReleasedService.RecordedVariable] = [:])
    -> ReleasedService
  {
    Planned.record(service, deployment: "good-\(service)", variables: variables)
  }

  private func plan(
    _ request: RollbackRequest = RollbackRequest(reason: "errors"), target: Release,
    observed: [ObservedService],
    releases: [Release] = [], restorable: [ServiceName: Set<String>] = [:], canRollback: Bool = true
  ) throws(Failure) -> Plan {
    let environment = Planned.environment(observed.map { Planned.service($0.target.service) })
    var candidates: [ServiceName: Deployment] = [:]
    for (name, record) in target.services {
      candidates[name] = Deployment(
        id: record.deployment ?? "", status: .removed, word: "REMOVED", createdAt: Make.startedAt,
        canRollback: canRollback)
    }
    return try RollbackPlanner(
      input: Planned.input(environment, observed, releases: releases, restorable: restorable),
      request: request, candidates: candidates
    ).plan(to: target)
  }

  private var two: Release {
    Planned.release(2, services: ["api": old("api"), "web": old("web")], order: ["api", "web"])
  }

  private func live(_ service: ServiceName, variables: [String: Sensitive?] = [:]) -> ObservedService {
    Planned.observed(service, commit: Make.new, variables: variables)
  }

  @Test func theLastToGoLiveGoesBackFirst() throws {
    let plan = try plan(target: two, observed: [live("api"), live("web")])
    #expect(plan.ids == ["web.restore", "web.prove", "api.restore", "api.prove"])
    #expect(plan.step("api.restore")?.needs == ["web.prove"])
    #expect(plan.kind == .rollback)
    #expect(plan.restores == 2)
  }

  @Test func onlyTheNamedServiceGoesBack() throws {
    let plan = try plan(
      RollbackRequest(only: ["api"], reason: "errors"), target: two, observed: [live("api"), live("web")])
    #expect(plan.ids == ["api.restore", "api.prove"])
    #expect(
      plan.warnings.contains { $0.contains("stays at what is live: they were never released together") })
    #expect(throws: Failure.self) {
      try self.plan(RollbackRequest(only: ["db"], reason: ""), target: two, observed: [live("api")])
    }
  }

  @Test func whatAlreadyRunsIsLeftAlone() throws {
    let target = Planned.release(2, services: ["api": Planned.record("api")], order: ["api"])
    #expect(try plan(target: target, observed: [Planned.observed("api")]).isEmpty)
    // Nobody is warned of a mix that is not made.
    let both = Planned.release(
      2, services: ["api": Planned.record("api"), "web": Planned.record("web")], order: ["api", "web"])
    let only = try plan(
      RollbackRequest(only: ["api"], reason: ""), target: both, observed: [Planned.observed("api")])
    #expect(only.isEmpty && only.warnings.isEmpty)
  }

  @Test(arguments: [
    (false, true, Restore.Mode.codeAndVariables, ["api.restore", "api.prove", "api.variables"]),
    // Only the names of code and release are written: the new container would else disown its code.
    (true, true, .codeOnly, ["api.variables", "api.restore", "api.prove"]),
    (false, false, .rebuild, ["api.variables", "api.restore", "api.prove"]),
  ])
  func variablesFollowTheCodeUnlessItIsBuiltAgain(
    _ codeOnly: Bool, _ canRollback: Bool, _ mode: Restore.Mode, _ ids: [String]
  ) throws {
    let target = Planned.release(2, services: ["api": old("api", ["LEVEL": .text("info")])], order: ["api"])
    let plan = try plan(
      RollbackRequest(codeOnly: codeOnly, reason: "errors"), target: target,
      observed: [live("api", variables: ["LEVEL": Sensitive("debug")])], canRollback: canRollback)
    #expect(plan.ids == ids)
    if codeOnly, case .variables(let write)? = plan.step("api.variables")?.action {
      #expect(Set(write.set.keys) == OwnVariable.all)
      #expect(write.remove.isEmpty)
    }
    guard case .restore(let restore)? = plan.step("api.restore")?.action else {
      Issue.record("nothing is restored")
      return
    }
    #expect(restore.mode == mode)
    #expect(restore.deployment == "good-api")
    #expect((plan.services.first?.cannotRestore?.contains("expired") ?? false) == !canRollback)
  }

  @Test(arguments: [
    // Fingerprint recorded last, restorable → written back from the deployment, lost.
    ("one", false, false, false), ("two", true, true, false), ("two", false, false, true),
  ])
  func secretsComeBackByTheirFingerprint(
    _ recorded: String, _ restorable: Bool, _ written: Bool, _ lost: Bool
  ) throws {
    let target = Planned.release(2, services: ["api": old("api", ["TOKEN": fingerprint])], order: ["api"])
    let present = Planned.record(
      "api", commit: Make.new, variables: ["TOKEN": .secret(name: "TOKEN", fingerprint: recorded)])
    let plan = try plan(
      target: target, observed: [live("api", variables: ["TOKEN": nil])],
      releases: [Planned.release(3, services: ["api": present])],
      restorable: restorable ? ["api": ["TOKEN"]] : [:])
    #expect(plan.variables("api")?.set["TOKEN"] == (written ? .deployment(id: "good-api") : nil))
    #expect((plan.services.first?.cannotRestore?.contains("TOKEN") ?? false) == lost)
  }

  @Test func whatTheBadReleaseAddedIsRemoved() throws {
    let target = Planned.release(2, services: ["api": old("api")], order: ["api"])
    let present = Planned.record("api", commit: Make.new, variables: ["NEW": .text("1")])
    let plan = try plan(
      target: target, observed: [live("api", variables: ["NEW": Sensitive("1"), "THEIRS": Sensitive("2")])],
      releases: [Planned.release(3, services: ["api": present])])
    #expect(plan.variables("api")?.remove == ["NEW"])
  }

  @Test func aServiceThatIsGoneIsSaid() throws {
    let plan = try plan(target: two, observed: [live("api")])
    #expect(plan.services.map(\.service) == ["api"])
    #expect(plan.warnings.contains { $0.contains("web is no longer on railway") })
  }
}
