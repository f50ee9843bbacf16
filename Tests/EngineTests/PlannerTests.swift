import Concurrency
import Engine
import Foundation
import Model
import Testing

@testable import Simulation

/// What a deploy plans, and why.
@Suite struct PlannerTests {
  private func plan(_ input: PlanInput) throws -> Plan { try DeployPlanner(input).plan() }

  @Test func nothingChangedIsAnEmptyPlan() throws {
    let variables: [String: VariableValue] = ["LEVEL": .text(Template(text: "info"))]
    let input = Planned.input(
      Planned.environment([Planned.service("api", variables: variables)]),
      [
        Planned.observed(
          "api", commit: Make.new,
          variables: [
            "LEVEL": Sensitive("info"), "SHIPIT_COMMIT": Sensitive("anything"),
            "SHIPIT_RELEASE": Sensitive("3"),
            "FOREIGN": Sensitive("kept"),
          ])
      ])
    let plan = try plan(input)
    #expect(plan.isEmpty)
    #expect(plan.services.isEmpty)
  }

  @Test func anotherCommitIsDeployedAndProven() throws {
    let plan = try plan(
      Planned.input(Planned.environment([Planned.service("api")]), [Planned.observed("api")]))
    #expect(plan.ids == ["api.variables", "api.deploy", "api.prove"])
    #expect(plan.services.first?.reasons == ["commit 0000000 → 1111111"])
    #expect(
      plan.variables("api")?.set == ["SHIPIT_COMMIT": .text(Make.new), "SHIPIT_RELEASE": .text("5")])
    #expect(plan.step("api.deploy")?.isCutOver == true)
    #expect(plan.hasPrevious)
  }

  @Test func whatIsFoundAsDeclaredIsRecordedThoughNoLedgerKnowsIt() throws {
    let input = Planned.input(
      Planned.environment([Planned.service("api"), Planned.service("web")]),
      [Planned.observed("api", commit: Make.new), Planned.observed("web")])
    let plan = try plan(input)
    #expect(plan.services.map(\.service) == ["web"])
    let found = try #require(plan.before["api"])
    #expect(found.deployment == Make.oldDeployment("api") && found.commit == Make.new && found.proof == .no)
    #expect(plan.before["web"] == nil)
  }

  @Test func aSecretThatIsWrittenOutIsRefused() throws {
    let value = "a\"quoted/secret-of-some-length"
    let check = Check(name: "leaks", kind: .command(["sh", "-c", "echo \(value)"]))
    let service = Planned.service("api", variables: ["KEY": .secret("KEY")])
    func failure(_ value: String) -> Failure? {
      let input = Planned.input(
        Planned.environment([service], checks: [check]), [Planned.observed("api")],
        secrets: Planned.secrets(["KEY": value]))
      do throws(Failure) { _ = try DeployPlanner(input).plan() } catch { return error }
      return nil
    }
    let refused = try #require(failure(value))
    #expect(refused.kind == .configuration && refused.message.contains("KEY"))
    #expect(!refused.description.contains(value) && refused.hint?.isEmpty == false)
    #expect(failure("another secret of some length") == nil)
    // Short values may be words like any other.
    #expect(failure("leaks") == nil)
  }

  @Test func everythingIsLookedAtOnceMoreWhenAllOfItIsLive() throws {
    let services = [Planned.service("api"), Planned.service("web", needs: ["api"])]
    let plan = try plan(
      Planned.input(Planned.environment(services), [Planned.observed("api"), Planned.observed("web")]))
    let confirm = try #require(plan.step("api.confirm"))
    #expect(Set(confirm.needs) == ["api.prove", "web.prove"])
    guard case .soak(let request) = confirm.action else {
      Issue.record("it does not look")
      return
    }
    #expect(
      request.deploymentStep == "api.deploy" && request.commit == Make.new && request.health.soak == .zero)
    // Alone a service was just watched.
    let alone = try self.plan(
      Planned.input(Planned.environment([services[0]]), [Planned.observed("api")]))
    #expect(alone.step("api.confirm") == nil)
  }

  @Test func theLedgersWordOnTheLiveCommitComesBeforeThePlatforms() throws {
    let releases = [Planned.release(4, services: ["api": Planned.record("api", commit: Make.new)])]
    let plan = try plan(
      Planned.input(
        Planned.environment([Planned.service("api")]), [Planned.observed("api", commit: nil)],
        releases: releases))
    #expect(plan.isEmpty)
  }

  @Test func settingsAreComparedAndPutBack() throws {
    var wanted = ServiceSettings()
    wanted.replicas = 3
    wanted.start = "./run"
    var present = ServiceSettings()
    present.replicas = 1
    let plan = try plan(
      Planned.input(
        Planned.environment([Planned.service("api", settings: wanted)]),
        [Planned.observed("api", commit: Make.new, settings: present)]))
    #expect(plan.services.first?.settings.map(\.name) == ["start", "replicas"])
    #expect(plan.step("api.deploy")?.needs.contains("api.settings") == true)
    guard case .settings(let back)? = plan.step("api.settings")?.undo.first?.action else {
      Issue.record("no way back")
      return
    }
    #expect(back.settings.replicas == 1)
    #expect(back.clear == ["start"])
  }

  @Test func anotherImageIsDeployed() throws {
    let source = ServiceSource.image(Template([.text("shop/api:"), .reference(.commit)]))
    func plan(_ image: String) throws -> Plan {
      try self.plan(
        Planned.input(
          Planned.environment([Planned.service("api", source: source)]),
          [Planned.observed("api", commit: nil, image: image)]))
    }
    #expect(try plan("shop/api:\(Make.new)").isEmpty)
    #expect(try plan("shop/api:v1").services.first?.reasons == ["image shop/api:v1 → shop/api:\(Make.new)"])
  }

  @Test func theNumberOfTheReleaseIsNoChangeByItself() throws {
    let variables: [String: VariableValue] = ["TAG": .text(Template([.text("r"), .reference(.release)]))]
    let releases = [Planned.release(4), Planned.release(3)]
    func plan(_ stored: String) throws -> Plan {
      try self.plan(
        Planned.input(
          Planned.environment([Planned.service("api", variables: variables)]),
          [Planned.observed("api", commit: Make.new, variables: ["TAG": Sensitive(stored)])],
          releases: releases))
    }
    #expect(try plan("r3").isEmpty)
    #expect(try plan("x3").variables("api")?.set["TAG"] == .text("r5"))
  }

  @Test func aVariableNoLongerDeclaredIsRemovedOnlyIfItWasOurs() throws {
    let releases = [
      Planned.release(4, services: ["api": Planned.record("api", variables: ["OURS": .text("1")])])
    ]
    let plan = try plan(
      Planned.input(
        Planned.environment([Planned.service("api")]),
        [Planned.observed("api", variables: ["OURS": Sensitive("1"), "THEIRS": Sensitive("2")])],
        releases: releases))
    #expect(plan.variables("api")?.remove == ["OURS"])
    #expect(plan.variablesBack("api")?.set["OURS"] == .text("1"))
  }

  @Test(
    arguments: [
      // Stored value, recorded before, restorable by the platform → the way back; nil: removed; "lost": none.
      ("old", ReleasedService.RecordedVariable.text("old"), false, PlannedValue.text("old")),
      ("${{Postgres.URL}}", nil, false, .text("${{Postgres.URL}}")),
      ("hand-made", nil, true, .deployment(id: "old-api")),
      ("hand-made", nil, false, nil),
    ] as [(String, ReleasedService.RecordedVariable?, Bool, PlannedValue?)])
  func theOldVariablesCanBePutBack(
    _ stored: String, _ recorded: ReleasedService.RecordedVariable?, _ restorable: Bool, _ back: PlannedValue?
  ) throws {
    let record = Planned.record("api", variables: recorded.map { ["LEVEL": $0] } ?? [:])
    let plan = try plan(
      Planned.input(
        Planned.environment([Planned.service("api", variables: ["LEVEL": .text(Template(text: "new"))])]),
        [Planned.observed("api", variables: ["LEVEL": Sensitive(stored)])],
        releases: [Planned.release(4, services: ["api": record])],
        restorable: restorable ? ["api": ["LEVEL"]] : [:]))
    #expect(plan.variablesBack("api")?.set["LEVEL"] == back)
    #expect((plan.services.first?.cannotRestore != nil) == (back == nil))
  }

  @Test func aNewVariableIsTakenAwayAgain() throws {
    let plan = try plan(
      Planned.input(
        Planned.environment([Planned.service("api", variables: ["LEVEL": .text(Template(text: "new"))])]),
        [Planned.observed("api")]))
    #expect(plan.variablesBack("api")?.remove == ["LEVEL", "SHIPIT_COMMIT", "SHIPIT_RELEASE"])
  }

  @Test func noSecretValueIsInThePlan() throws {
    let planted = ["s3cr3t-token-one", "s3cr3t-hand-made", "s3cr3t-sealed", "s3cr3t-old"]
    let plan = try plan(
      Planned.input(
        Planned.environment([
          Planned.service(
            "api",
            variables: [
              "TOKEN": .secret("TOKEN"), "LEVEL": .text(Template(text: "new")), "SEALED": .secret("SEALED"),
            ])
        ]),
        [
          Planned.observed(
            "api",
            variables: [
              "TOKEN": Sensitive("s3cr3t-old"), "LEVEL": Sensitive("s3cr3t-hand-made"), "SEALED": nil,
              "OTHER": Sensitive("s3cr3t-hand-made"),
            ])
        ],
        secrets: Planned.secrets(["TOKEN": "s3cr3t-token-one", "SEALED": "s3cr3t-sealed"]),
        restorable: ["api": ["TOKEN", "LEVEL"]]))
    let text = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
    #expect(text.contains("TOKEN"))
    for value in planted { #expect(!text.contains(value)) }
    #expect(!plan.digest.contains("s3cr3t"))
    #expect(plan.services.first?.variables.first { $0.name == "TOKEN" }?.isSecret == true)
  }

  @Test func aSealedSecretIsComparedByItsFingerprint() throws {
    func plan(_ value: String) throws -> Plan {
      let secrets = Planned.secrets(["TOKEN": value])
      let recorded = Planned.record(
        "api", commit: Make.new,
        variables: ["TOKEN": .secret(name: "TOKEN", fingerprint: Planned.key(Sensitive("one")))])
      return try self.plan(
        Planned.input(
          Planned.environment([Planned.service("api", variables: ["TOKEN": .secret("TOKEN")])]),
          [Planned.observed("api", commit: Make.new, variables: ["TOKEN": nil])],
          releases: [Planned.release(4, services: ["api": recorded])], secrets: secrets))
    }
    #expect(try plan("one").isEmpty)
    #expect(try plan("two").services.first?.variables.map(\.kind) == [.change])
  }

  @Test func aMissingSecretIsSaidBeforeAnythingHappens() {
    let input = Planned.input(
      Planned.environment([Planned.service("api", variables: ["TOKEN": .secret("JWT")])]),
      [Planned.observed("api")])
    #expect { try DeployPlanner(input).plan() } throws: { error in
      (error as? Failure)?.kind == .configuration && "\(error)".contains("JWT")
    }
  }

  // MARK: Order

  @Test func needsOrderServicesCommandsAndChecks() throws {
    let plan = try plan(
      Planned.input(
        Planned.environment(
          [Planned.service("web", needs: ["api"]), Planned.service("api", needs: ["unit tests"])],
          run: [
            CommandStep(name: "unit tests", command: ["true"]),
            CommandStep(name: "warm up", command: ["true"], needs: ["web"]),
          ],
          checks: [Check(name: "smoke", kind: .command(["true"]))]),
        [Planned.observed("web"), Planned.observed("api")]))
    #expect(plan.step("api.variables")?.needs == ["run.unit-tests"])
    #expect(plan.step("api.deploy")?.needs == ["run.unit-tests", "api.variables"])
    #expect(plan.step("web.deploy")?.needs.first == "api.prove")
    #expect(plan.step("run.warm-up")?.needs == ["web.prove"])
    #expect(
      Set(plan.step("check.smoke")?.needs ?? []) == [
        "run.unit-tests", "run.warm-up", "api.prove", "web.prove",
      ])
    #expect(plan.order == ["api", "web"])
    var seen: Set<StepID> = []
    for step in plan.steps {
      #expect(step.needs.allSatisfy { seen.contains($0) }, "\(step.id) stands before what it needs")
      seen.insert(step.id)
    }
  }

  // MARK: Checks

  private func checked(_ kinds: [Check.Kind]) throws -> Plan {
    try plan(
      Planned.input(
        Planned.environment(
          [Planned.service("api")],
          checks: kinds.enumerated().map { Check(name: "c\($0)", kind: $1, timeout: .seconds(30)) }),
        [Planned.observed("api")]))
  }

  @Test func everyKindOfCheckGetsTheAddressesItNames() throws {
    let host = Template([.reference(.serviceHost("api"))])
    let kinds: [Check.Kind] = [
      .http(url: Template([.reference(.serviceURL("api"))]), expect: HTTPExpectation()),
      .websocket(
        url: Template([.reference(.serviceURL("api"))]), send: Template([.reference(.serviceHost("api"))]),
        expect: MessageExpectation()),
      .tcp(address: Template([.reference(.serviceHost("api")), .text(":5432")]), within: nil),
      .tls(address: host, days: 14), .dns(name: host, expect: NameExpectation()),
    ]
    let plan = try checked(kinds)
    for index in kinds.indices {
      let step = try #require(plan.step(StepID("check.c\(index)")))
      guard case .check(_, let addresses) = step.action else {
        Issue.record("\(step.id) is no check")
        continue
      }
      let wanted: [String: String] =
        switch index {
        case 0: ["${services.api.url}": "https://api.example.com"]
        case 1: ["${services.api.url}": "https://api.example.com", "${services.api.host}": "api.example.com"]
        default: ["${services.api.host}": "api.example.com"]
        }
      #expect(addresses == wanted && step.action.performer == .probing && step.needs == ["api.prove"])
    }
    #expect(try checked([.command(["true"])]).step("check.c0")?.action.performer == .commands)
  }

  @Test func aCheckThatCanLookNowhereIsRefusedBeforeAnythingChanges() {
    #expect {
      try checked([.tcp(address: Template([.reference(.serviceHost("api"))]), within: nil)])
    } throws: {
      let failure = $0 as? Failure
      return failure?.kind == .configuration
        && failure?.message == "the check c0 cannot look at `api.example.com`: it has no port"
    }
  }

  @Test func whatIsNotPartOfThePlanIsNotWaitedFor() throws {
    let plan = try plan(
      Planned.input(
        Planned.environment([Planned.service("web", needs: ["api"]), Planned.service("api")]),
        [Planned.observed("web"), Planned.observed("api", commit: Make.new)]))
    #expect(plan.services.map(\.service) == ["web"])
    #expect(plan.step("web.deploy")?.needs == ["web.variables"])
  }

  @Test func servicesThatNeedEachOtherAreRefused() {
    let input = Planned.input(
      Planned.environment([Planned.service("a", needs: ["b"]), Planned.service("b", needs: ["a"])]),
      [Planned.observed("a"), Planned.observed("b")])
    #expect(throws: Failure.self) { try DeployPlanner(input).plan() }
  }

  // MARK: Going back

  @Test func theWayBackOfADeployIsRestoredAndProven() throws {
    let plan = try plan(
      Planned.input(
        Planned.environment([Planned.service("api")]), [Planned.observed("api", cutOver: .stopFirst)]))
    let deploy = plan.step("api.deploy")
    #expect(deploy?.undo.map(\.id) == ["undo.api.deploy", "undo.api.prove"])
    #expect(deploy?.affirm.map(\.id) == ["affirm.api"])
    #expect(plan.services.first?.cutOver == .stopFirst)
    guard case .deploy(let request)? = deploy?.action,
      case .restore(let restore)? = deploy?.undo.first?.action
    else {
      Issue.record("no deploy with a way back")
      return
    }
    #expect(request.cutOver == .stopFirst)
    #expect(restore.deployment == "old-api")
    #expect(restore.mode == .codeAndVariables)
  }

  @Test(arguments: [Restore.Mode.rebuild, .codeOnly])
  func whatTakesTheStoredConfigurationWaitsForTheOldOne(_ mode: Restore.Mode) throws {
    var settings = ServiceSettings()
    settings.replicas = 2
    let plan = try plan(
      Planned.input(
        Planned.environment([Planned.service("api", settings: settings)]),
        [Planned.observed("api", restoreMode: mode)]))
    #expect(
      plan.step("api.deploy")?.undo.map(\.id) == [
        "undo.api.variables", "undo.api.settings", "undo.api.deploy", "undo.api.prove",
      ])
  }

  @Test func aFirstReleaseSaysThatThereIsNothingToGoBackTo() throws {
    let plan = try plan(
      Planned.input(Planned.environment([Planned.service("api")]), [Planned.observed("api", isLive: false)]))
    #expect(!plan.hasPrevious)
    #expect(plan.step("api.deploy")?.undo == [])
    #expect(plan.services.first?.cannotRestore?.contains("nothing to go back to") == true)
  }

  @Test func aSecondDeployerIsNamedAndTurnedOff() throws {
    let plan = try plan(
      Planned.input(
        Planned.environment([Planned.service("api")]),
        [Planned.observed("api", commit: Make.new, autoDeploys: true)]))
    #expect(plan.ids == ["api.settings"])
    #expect(plan.warnings.contains { $0.contains("each push") })
    if case .settings(let write)? = plan.steps.first?.action { #expect(write.autoDeploys == false) }
  }

  @Test func theDigestBindsWhatWasAskedForAndNothingObserved() throws {
    func digest(
      _ environment: Environment, _ observed: ObservedService, commit: String = Make.new, _ secret: String
    )
      throws -> String
    {
      try plan(
        Planned.input(environment, [observed], commit: commit, secrets: Planned.secrets(["T": secret]))
      ).digest
    }
    let environment = Planned.environment([Planned.service("api")])
    let one = try digest(environment, Planned.observed("api"), "a")
    #expect(try digest(environment, Planned.observed("api", commit: Make.new, image: "x"), "a") == one)
    #expect(try digest(environment, Planned.observed("api"), "b") != one)
    #expect(try digest(environment, Planned.observed("api"), commit: Make.old, "a") != one)
    #expect(
      try digest(Planned.environment([Planned.service("api", needs: ["x"])]), Planned.observed("api"), "a")
        != one)
  }
}
