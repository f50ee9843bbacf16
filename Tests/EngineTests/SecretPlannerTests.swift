import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// What `secrets diff` finds and `secrets sync` writes.
@Suite struct SecretPlannerTests {
  private let service = Planned.service(
    "api",
    variables: [
      "SAME": .secret("SAME"), "OTHER": .secret("OTHER"), "GONE": .secret("GONE"),
      "SEALED": .secret("SEALED"),
      "LEVEL": .text(Template(text: "debug")),
    ])
  private let secrets = Planned.secrets(["SAME": "1", "OTHER": "2", "GONE": "3", "SEALED": "4"])

  private func input(
    _ variables: [String: Sensitive?], releases: [Release] = [], isLive: Bool = true
  ) -> PlanInput {
    Planned.input(
      Planned.environment([service]),
      [Planned.observed("api", commit: Make.new, variables: variables, isLive: isLive)], releases: releases,
      secrets: secrets)
  }

  private func recorded(_ names: [String: String]) -> ReleasedService {
    Planned.record(
      "api", commit: Make.new,
      variables: names.reduce(into: [:]) {
        $0[$1.key] = .secret(name: $1.key, fingerprint: Planned.key(Sensitive($1.value)))
      })
  }

  private let stored: [String: Sensitive?] = [
    "SAME": Sensitive("1"), "OTHER": Sensitive("old"), "SEALED": nil, "LEVEL": Sensitive("info"),
  ]

  @Test func eachSecretStandsToItsSourceInOneOfFiveWays() throws {
    let found = try DeployPlanner(input(stored)).storedSecrets()
    #expect(found.map(\.variable) == ["GONE", "OTHER", "SAME", "SEALED"])
    #expect(found.map(\.state) == [.missing, .differs, .same, .unknown])
    let known = Planned.release(4, services: ["api": recorded(["SEALED": "4"])])
    #expect(try DeployPlanner(input(stored, releases: [known])).storedSecrets().last?.state == .unreadable)
    let earlier = Planned.release(4, services: ["api": recorded(["SEALED": "another"])])
    #expect(try DeployPlanner(input(stored, releases: [earlier])).storedSecrets().last?.state == .unknown)
  }

  @Test func whatDiffersIsWrittenAtOnceAndNothingElseIsTouched() throws {
    let known = Planned.release(4, services: ["api": recorded(["SEALED": "4", "OTHER": "old"])])
    let plan = try DeployPlanner(input(stored, releases: [known])).secretsPlan()
    #expect(plan.kind == .secrets)
    #expect(plan.ids == ["api.variables"])
    let write = try #require(plan.variables("api"))
    #expect(Set(write.set.keys) == ["GONE", "OTHER"] && write.remove.isEmpty)
    #expect(plan.variablesBack("api")?.remove == ["GONE"])
    // The release records the new fingerprints, and that the same deployment runs.
    let record = try #require(plan.services.first?.record)
    #expect(record.deployment == Make.oldDeployment("api"))
    #expect(
      record.variables["OTHER"] == .secret(name: "OTHER", fingerprint: Planned.key(Sensitive("2"))))
    #expect(plan.services.first?.cannotRestore?.contains("OTHER") == true)
  }

  @Test func nothingIsWrittenWhenNothingChanged() throws {
    let known = Planned.release(4, services: ["api": recorded(["SEALED": "4"])])
    let plan = try DeployPlanner(
      input(
        ["SAME": Sensitive("1"), "OTHER": Sensitive("2"), "GONE": Sensitive("3"), "SEALED": nil],
        releases: [known])
    ).secretsPlan()
    #expect(plan.isEmpty && plan.services.isEmpty)
  }

  @Test func whatWasNeverDeployedIsLeftToItsFirstDeploy() throws {
    let plan = try DeployPlanner(input([:], isLive: false)).secretsPlan()
    #expect(plan.isEmpty)
    #expect(plan.warnings == ["api is not deployed yet: its first deploy writes GONE, OTHER, SAME, SEALED"])
  }

  @Test func whatWasWrittenSinceIsAReasonToDeployOnce() throws {
    let before = ["SAME": "1", "OTHER": "old", "GONE": "3", "SEALED": "4"]
    let after = ["SAME": "1", "OTHER": "2", "GONE": "3", "SEALED": "4"]
    let variables: [String: Sensitive?] = [
      "SAME": Sensitive("1"), "OTHER": Sensitive("2"), "GONE": Sensitive("3"), "SEALED": nil,
      "LEVEL": Sensitive("debug"),
    ]
    let deployed = Planned.release(4, services: ["api": recorded(before)])
    let written = Planned.release(5, kind: .secrets, services: ["api": recorded(after)])
    let plan = try DeployPlanner(input(variables, releases: [written, deployed])).plan()
    #expect(plan.services.first?.reasons == ["OTHER written since it was deployed"])
    #expect(plan.ids.contains("api.deploy"))
    // A deploy that failed since and was taken back says nothing of what runs.
    let failed = Planned.release(6, .rolledBack, services: ["api": recorded(after)])
    #expect(
      try DeployPlanner(input(variables, releases: [failed, written, deployed])).plan().services.first?
        .reasons
        == ["OTHER written since it was deployed"])
    func earlier(_ names: [String: String]) -> ReleasedService {
      var record = recorded(names)
      record.deployment = "earlier"
      return record
    }
    let again = Planned.release(6, services: ["api": recorded(after)])
    let past = [
      Planned.release(5, kind: .secrets, services: ["api": earlier(after)]),
      Planned.release(4, services: ["api": earlier(before)]),
    ]
    #expect(try DeployPlanner(input(variables, releases: [again] + past)).plan().isEmpty)
  }

  /// What jobs of GitHub Actions get: no value of it can be read back.
  private func jobs(_ listed: [String: Timestamp]?, written: [String: (String, Timestamp)] = [:]) -> PlanInput
  {
    let place = ActionsSecretsPlace(repository: "acme/shop")
    var known = Planned.release(4, services: [:])
    known.actions = WrittenActionsSecrets(
      place: place,
      entries: written.mapValues { value, at in
        WrittenActionsSecrets.Entry(
          value: ActionsSecretsWrite.Value(secret: "SAME", fingerprint: Planned.key(Sensitive(value))), at: at
        )
      })
    var environment = Planned.environment([])
    environment.secrets.actions = ActionsSecretsTarget(
      place: place, tokenSecret: "TOKEN", names: ["THERE": "SAME"])
    var input = Planned.input(environment, [], releases: [known], secrets: secrets)
    input.actions = listed
    return input
  }

  @Test func whatJobsGetIsWrittenUnlessItIsKnownToBeThere() throws {
    let then = Timestamp(milliseconds: 1_000)
    let later = Timestamp(milliseconds: 2_000)
    let cases:
      [([String: Timestamp]?, [String: (String, Timestamp)], StoredSecretState, VariableChange.Kind?)] =
        [
          ([:], [:], .missing, .add),
          (["THERE": then], [:], .unknown, .change),
          (["THERE": then], ["THERE": ("1", then)], .unreadable, nil),
          (["THERE": then], ["THERE": ("old", then)], .differs, .change),
          // Somebody else wrote since, whatever it was.
          (["THERE": later], ["THERE": ("1", then)], .unknown, .change),
          (["OTHER": then], ["THERE": ("1", then)], .missing, .add),
        ]
    for (listed, written, state, kind) in cases {
      let planner = DeployPlanner(jobs(listed, written: written))
      #expect(try planner.storedSecrets().map(\.state) == [state])
      let plan = try planner.secretsPlan()
      #expect(plan.actions?.changes.map(\.kind) == kind.map { [$0] } ?? [])
      #expect(plan.ids == (kind == nil ? [] : ["github.secrets"]))
    }
    // What was written elsewhere says nothing of this repository.
    var moved = jobs(["THERE": then], written: ["THERE": ("1", then)])
    moved.environment.secrets.actions?.place.environment = "prod"
    #expect(try DeployPlanner(moved).storedSecrets().map(\.state) == [.unknown])
  }

  @Test func aSecretThatPlatformsKeepIsTheSameEverywhereOrIsNotWritten() throws {
    func input(_ values: [Sensitive??]) -> PlanInput {
      let names: [ServiceName] = ["api", "jobs"]
      var environment = Planned.environment(
        names.map { Planned.service($0, variables: ["KEY": .secret("KEPT")]) })
      environment.demands.rules["KEPT"] = SecretRule(keep: .platform)
      return Planned.input(
        environment,
        zip(names, values).map { name, value in
          Planned.observed(name, commit: Make.new, variables: value.map { ["KEY": $0] } ?? [:])
        }, secrets: secrets)
    }
    let one = Sensitive("1")
    let cases: [([Sensitive??], KeptSecret)] = [
      ([.some(one), .some(one)], .kept), ([.some(nil), .some(one)], .kept), ([nil, nil], .new),
      ([.some(one), nil], .reused(one)), ([nil, .some(nil)], .unreadable(["jobs"])),
    ]
    for (values, expected) in cases { #expect(KeptSecret("KEPT", input(values)) == expected) }

    // What a service has by now stays, without a person's word.
    var made = input([.some(Sensitive("theirs")), nil])
    made.secrets = made.secrets.adding("KEPT", one)
    let failure = #expect(throws: Failure.self) {
      _ = try DeployPlanner(made).keptPlan(of: "KEPT", replaces: false)
    }
    #expect(failure?.kind == .stale)
    #expect(
      try DeployPlanner(made).keptPlan(of: "KEPT", replaces: true).ids == ["api.variables", "jobs.variables"])
    var half = input([.some(one), nil])
    half.secrets = half.secrets.adding("KEPT", one)
    #expect(try DeployPlanner(half).keptPlan(of: "KEPT", replaces: false).ids == ["jobs.variables"])
  }
}
