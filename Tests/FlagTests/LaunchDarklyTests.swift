import Flags
import JSON
import Model
import Testing

/// LaunchDarkly's flags against the emulated LaunchDarkly.
@Suite struct LaunchDarklyTests {
  let note = FlagWorld.note

  @Test func `A step is one patch with its comment, and off is one request that resets the rule`()
    async throws
  {
    let bench = try LaunchDarklyBench()
    let flag = bench.flag()
    let before = try await flag.read()
    let ten = try await flag.set(share(10), expected: before, note: note)
    let config = try await bench.configuration()
    #expect(config["on"] == true)
    #expect(config["version"] == 2)
    #expect(
      config["fallthrough"]?["rollout"]?["variations"]
        == [["variation": 0, "weight": 10_000], ["variation": 1, "weight": 90_000]])
    #expect(try await flag.read().lastChange?.comment == "\(note.marker): \(note.text)")
    let asked = await bench.count("getFeatureFlag")
    let off = try await flag.off(known: ten, note: note)
    #expect(!off.isOn)
    #expect(await bench.count("getFeatureFlag") == asked, "off asks nothing first")
    #expect(await bench.count("patchFeatureFlag") == 2)
    #expect(try await bench.configuration()["fallthrough"] == ["variation": 1])
  }

  @Test func `A rule of its own is raised, and what stands before it is told`() async throws {
    let rule: JSON = ["_id": "rule-1", "clauses": [], "variation": 1, "trackEvents": false]
    let bench = try LaunchDarklyBench(flag: [
      "rules": [["_id": "rule-0", "clauses": [], "variation": 1, "trackEvents": false], rule]
    ])
    let flag = bench.flag(rule: "rule-1", contextKind: "organization")
    let before = try await flag.read()
    #expect(before.ahead.contains("contexts that match 1 earlier rule do not follow the share"))
    let after = try await flag.set(share(25), expected: before, note: note)
    #expect(after.draw.rule == "rule-1")
    #expect(after.draw.contextKind == "organization")
    let rules = try await bench.configuration()["rules"]
    #expect(rules?[0]?["variation"] == 1)
    #expect(rules?[1]?["rollout"]?["variations"]?[0]?["weight"] == 25_000)
  }

  @Test(
    arguments: [
      (["offVariation": 0], "switching off would give it to everybody"),
      (["offVariation": nil], "it has no off variation"),
      (
        [
          "fallthrough": [
            "rollout": [
              "variations": [], "experimentAllocation": ["defaultVariation": 0, "canReshuffle": true],
            ]
          ]
        ],
        "an experiment owns its rule"
      ),
      (
        [
          "variations": [true, false, "third"],
          "fallthrough": [
            "rollout": [
              "variations": [["variation": 0, "weight": 10_000], ["variation": 1, "weight": 90_000]]
            ]
          ],
        ], "weights a third variation"
      ),
      (["variations": ["a", "b"]], "no variation has the value true"),
    ] as [([String: JSON], String)])
  func `A flag that cannot be rolled out is refused with the reason`(
    _ members: [String: JSON], _ reason: String
  ) async throws {
    let failure = await #expect(throws: Failure.self) {
      try await LaunchDarklyBench(flag: members).flag().read()
    }
    #expect(failure?.kind == .configuration)
    #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
  }

  @Test func `Another kind of context is not written over`() async throws {
    let bench = try LaunchDarklyBench()
    let first = bench.flag()
    _ = try await first.set(share(10), expected: try await first.read(), note: note)
    let other = bench.flag(contextKind: "organization")
    let refusal = await #expect(throws: FlagRefusal.self) {
      try await other.set(share(25), expected: try await other.read(), note: note)
    }
    #expect(refusal?.code == .invalid)
    #expect(try await first.read().share == share(10))
  }

  @Test func `A person is named who changed it in between`() async throws {
    let bench = try LaunchDarklyBench()
    let flag = bench.flag()
    let before = try await flag.read()
    let ann = bench.flag(token: "api-ann")
    _ = try await ann.set(
      share(50), expected: try await ann.read(), note: FlagNote(marker: "by hand", text: ""))
    let refusal = await #expect(throws: FlagRefusal.self) {
      try await flag.set(share(25), expected: before, note: note)
    }
    #expect(refusal?.code == .changedByOther)
    #expect(refusal?.failure.message.contains("was changed by ann@example.com: it serves 50 %") == true)
  }

  @Test func `An approval is asked for once, waited for, and applied`() async throws {
    let bench = try LaunchDarklyBench(requireApproval: true)
    let flag = bench.flag()
    let before = try await flag.read()
    #expect(before.needsApproval)
    for _ in 1...2 {
      let refusal = await #expect(throws: FlagRefusal.self) {
        try await flag.set(share(10), expected: before, note: note)
      }
      #expect(refusal?.code == .approvalRequired)
    }
    #expect(await bench.count("postApprovalRequestForFlag") == 1)
    try await bench.review("approve")
    let after = try await flag.set(share(10), expected: before, note: note)
    #expect(after.share == share(10))
    #expect(await bench.count("postApprovalRequestApplyForFlag") == 1)
  }

  @Test func `An approval that was declined is told apart`() async throws {
    let bench = try LaunchDarklyBench(requireApproval: true)
    let flag = bench.flag()
    let before = try await flag.read()
    _ = try? await flag.set(share(10), expected: before, note: note)
    try await bench.review("decline")
    let refusal = await #expect(throws: FlagRefusal.self) {
      try await flag.set(share(10), expected: before, note: note)
    }
    #expect(refusal?.code == .approvalDeclined)
    #expect(refusal?.failure.cause == "looked at it")
  }

  @Test(
    arguments: [
      (["fault": "error", "code": "forbidden"], .notPermitted),
      (["fault": "error", "code": "invalid_request"], .invalid),
      (["fault": "rate-limited", "retryAfter": 7], .rateLimited),
      (["fault": "refuse"], .unreachable),
      (["fault": "problem-before"], .ambiguous),
      (["fault": "status", "status": 503], .ambiguous),
      (["fault": "error", "code": "optimistic_locking_error", "count": 2], .rateLimited),
    ] as [(JSON, FlagRefusal.Code)])
  func `A write that failed says whether anything can have changed`(
    _ fault: JSON, _ code: FlagRefusal.Code
  ) async throws {
    let bench = try LaunchDarklyBench()
    let flag = bench.flag()
    let before = try await flag.read()
    var script = fault.object ?? [:]
    script["operation"] = "patchFeatureFlag"
    await bench.fault(.object(script))
    let refusal = await #expect(throws: FlagRefusal.self) {
      try await flag.set(share(10), expected: before, note: note)
    }
    #expect(refusal?.code == code)
    if code == .rateLimited, fault["retryAfter"] != nil { #expect(refusal?.retryAfter == .seconds(7)) }
    #expect(try await flag.read().version == before.version)
  }

  @Test(arguments: ["cut", "problem-after"])
  func `A write whose answer was lost is found by reading, not repeated`(_ fault: String) async throws {
    let bench = try LaunchDarklyBench()
    let flag = bench.flag()
    let before = try await flag.read()
    await bench.fault(["fault": .string(fault), "operation": "patchFeatureFlag"])
    let after = try await flag.set(share(10), expected: before, note: note)
    #expect(after.share == share(10))
    #expect(await bench.count("patchFeatureFlag") == 1)
  }

  @Test func `One conflict is asked again, after a look`() async throws {
    let bench = try LaunchDarklyBench()
    let flag = bench.flag()
    let before = try await flag.read()
    await bench.fault(["fault": "error", "code": "optimistic_locking_error", "operation": "patchFeatureFlag"])
    #expect(try await flag.set(share(10), expected: before, note: note).share == share(10))
  }

  @Test func `A token that may only read, and one that is none, are told apart`() async throws {
    let bench = try LaunchDarklyBench()
    let before = try await bench.flag().read()
    let refusal = await #expect(throws: FlagRefusal.self) {
      try await bench.flag(token: "api-read").set(share(10), expected: before, note: note)
    }
    #expect(refusal?.code == .notPermitted)
    let failure = await #expect(throws: Failure.self) { try await bench.flag(token: "sdk-1").read() }
    #expect(failure?.kind == .authentication)
    #expect(failure?.description.contains("sdk-1") == false)
  }
}
