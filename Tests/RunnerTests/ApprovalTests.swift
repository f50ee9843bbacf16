import Concurrency
import Engine
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// Approvals by name, bound to one plan.
@Suite struct ApprovalTests {
  static func protect(_ rule: ApprovalRule = ApprovalRule(by: ["ann", "bo"])) -> Protection {
    Protection(approval: rule)
  }

  static func stage(
    _ clock: VirtualClock, _ spawn: Spawner, _ rule: ApprovalRule = ApprovalRule(by: ["ann", "bo"]),
    as name: String = "cy"
  ) -> Stage {
    var stage = Stage(clock, spawn, protect: protect(rule))
    stage.by = "\(name)@laptop"
    stage.sources.person = Person(by: stage.by, names: [name])
    return stage
  }

  /// As `shipit approve` writes it.
  static func approve(
    _ stage: Stage, as name: String, of plan: Plan?, expires: Duration = .seconds(86_400)
  ) async {
    await stage.ledger.memory.record(
      Decision(
        .approved, by: "\(name)@desk", at: stage.clock.now, person: name, reason: "looks good",
        digest: plan?.digest, binding: plan?.binding, commit: plan?.commit,
        expires: stage.clock.now + expires))
  }

  @Test func withoutApprovalADeployEndsWith9AndSaysWhoMayAndHow() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Self.stage(clock, spawn)
      let waiting = await stage.deploy(Stage.request())
      #expect(waiting.exit == .waiting && waiting.plan?.isEmpty == false)
      let failure = try #require(waiting.failure)
      #expect(failure.message == "c1c1c1c needs an approval before it goes to prod")
      #expect(failure.hint?.hasPrefix("ann or bo may type: shipit approve prod --digest ") == true)
      #expect(stage.platform.performed == [])
      #expect(await stage.ledger.memory.runs(limit: 9).isEmpty)
      // The question is in the ledger, once, with what it is about.
      #expect(await stage.next().deploy(Stage.request()).exit == .waiting)
      let decisions = await stage.ledger.memory.decisions(limit: 9)
      #expect(decisions.map(\.kind) == [.approvalWanted])
      #expect(decisions[0].commit == Stage.commits[1] && decisions[0].by == "cy@laptop")
      #expect(decisions[0].changes?.first?.hasPrefix("api: commit c0c0c0c → c1c1c1c") == true)
    }
  }

  @Test func withApprovalItGoesAheadAndTheReleaseSaysByWhom() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Self.stage(clock, spawn)
      let waiting = await stage.deploy(Stage.request())
      await Self.approve(stage, as: "Bo", of: waiting.plan)
      let done = await stage.next().deploy(Stage.request())
      #expect(done.exit == .done)
      #expect(done.release?.decisions?.map(\.person) == ["Bo"])
      #expect(done.release?.decisions?.first?.reason == "looks good")
      // Of another commit nothing was approved.
      #expect(await stage.next().deploy(Stage.request(2)).exit == .waiting)
    }
  }

  @Test func eachPersonCountsOnceAndStrangersNotAtAll() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Self.stage(clock, spawn, ApprovalRule(by: ["ann", "bo"], count: 2))
      let plan = await stage.deploy(Stage.request()).plan
      await Self.approve(stage, as: "ann", of: plan)
      await Self.approve(stage, as: "ann", of: plan)
      await Self.approve(stage, as: "eve", of: plan)
      let waiting = await stage.next().deploy(Stage.request())
      #expect(waiting.exit == .waiting)
      #expect(waiting.failure?.cause == "1 of 2 given, by ann")
      #expect(waiting.failure?.hint?.hasPrefix("bo may type") == true)
      await Self.approve(stage, as: "bo", of: plan)
      let done = await stage.next().deploy(Stage.request())
      #expect(done.exit == .done && done.release?.decisions?.compactMap(\.person) == ["ann", "bo"])
    }
  }

  @Test func anApprovalExpiresAndAStricterRuleCountsAtOnce() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Self.stage(clock, spawn, ApprovalRule(by: ["ann"], expires: .seconds(3600)))
      let plan = await stage.deploy(Stage.request()).plan
      // Given when it was to count for a week.
      await Self.approve(stage, as: "ann", of: plan, expires: .seconds(7 * 86_400))
      try await clock.sleep(for: .seconds(3601))
      let waiting = await stage.next().deploy(Stage.request())
      #expect(waiting.exit == .waiting)
      #expect(waiting.failure?.cause?.contains("that of ann has expired") == true)
    }
  }

  @Test func onesOwnApprovalCountsUnlessTheFileSaysOtherwise() throws {
    try VirtualTime().run { clock, spawn in
      var stage = Self.stage(clock, spawn, as: "ann")
      let plan = await stage.deploy(Stage.request()).plan
      await Self.approve(stage, as: "ann", of: plan)
      #expect(await stage.next().deploy(Stage.request()).exit == .done)

      stage = Self.stage(clock, spawn, ApprovalRule(by: ["ann", "bo"], own: false), as: "ann")
      let other = await stage.deploy(Stage.request()).plan
      await Self.approve(stage, as: "ann", of: other)
      let waiting = await stage.next().deploy(Stage.request())
      #expect(waiting.exit == .waiting)
      #expect(waiting.failure?.hint?.hasPrefix("bo may type") == true)
      #expect(waiting.failure?.cause?.contains("one's own does not count") == true)
      await Self.approve(stage, as: "bo", of: other)
      #expect(await stage.next().deploy(Stage.request()).exit == .done)
    }
  }

  @Test func aPlanThatMovedMakesItsApprovalVoid() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Self.stage(clock, spawn)
      let plan = await stage.deploy(Stage.request()).plan
      await Self.approve(stage, as: "bo", of: plan)
      let changed = stage.with { $0.services[0].variables["LEVEL"] = .text(Template(text: "debug")) }
      let stale = await changed.deploy(Stage.request())
      #expect(stale.exit == .stale)
      #expect(stale.failure?.message == "the plan for c1c1c1c moved after bo approved it")
      #expect(stale.failure?.cause == "what moved: services.api")
      // Said once: from now on the new plan waits like any other.
      let waiting = await changed.next().deploy(Stage.request())
      #expect(waiting.exit == .waiting)
      #expect(waiting.failure?.cause?.contains("that of bo was of an earlier plan") == true)
      await Self.approve(stage, as: "bo", of: waiting.plan)
      #expect(await changed.next().deploy(Stage.request()).exit == .done)
    }
  }

  @Test func whoeverDeploysMayApproveByAgreeingWhereTheyCanBeAsked() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Self.stage(clock, spawn, as: "ann")
      let asked = Locked<[String]>([])
      let no = await stage.deploy(
        Stage.request(),
        approve: { _, name in
          asked.withLock { $0.append(name) }
          return false
        })
      #expect(no.exit == .interrupted && asked.withLock { $0 } == ["ann"])
      #expect(await !stage.ledger.memory.decisions(limit: 9).contains { $0.kind == .approved })
      let yes = await stage.next().deploy(Stage.request(), approve: { _, _ in true })
      #expect(yes.exit == .done)
      #expect(yes.release?.decisions?.map(\.person) == ["ann"])
      #expect(await stage.ledger.memory.decisions(limit: 9).contains { $0.kind == .approved })
      // A stranger is not asked.
      let stranger = Self.stage(clock, spawn, as: "cy")
      #expect(await stranger.deploy(Stage.request(), approve: { _, _ in true }).exit == .waiting)
      // Nor is one of two who are needed.
      let half = Self.stage(clock, spawn, ApprovalRule(by: ["ann", "bo"], count: 2), as: "ann")
      #expect(await half.deploy(Stage.request(), approve: { _, _ in true }).exit == .waiting)
    }
  }

  @Test func aDirtyTreeGoesNowhereThatIsProtectedByCommits() throws {
    try VirtualTime().run { clock, spawn in
      for protect in [Protection(branch: "main"), Protection(after: "staging"), Self.protect()] {
        let stage = Stage(clock, spawn, protect: protect)
        let refused = await stage.deploy(Stage.request(isDirty: true))
        #expect(refused.exit == .policy && refused.failure?.message.contains("dirty") == true)
      }
      #expect(await Stage(clock, spawn).deploy(Stage.request(isDirty: true)).exit == .done)
    }
  }

  @Test func aLiftedHoldIsInTheReleaseThatFollowsAndInNoOther() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(await stage.deploy(Stage.request(1)).exit == .done)
      try await clock.sleep(for: .seconds(60))
      await stage.ledger.memory.record(
        Decision(.holdLifted, by: "bo@desk", at: clock.now, reason: "investigating"))
      try await clock.sleep(for: .seconds(60))
      let next = await stage.next().deploy(Stage.request(2))
      #expect(next.release?.decisions?.map(\.by) == ["bo@desk"])
      #expect(await stage.next().deploy(Stage.request(3)).release?.decisions == nil)
    }
  }
}
