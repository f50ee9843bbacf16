import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Vercel

/// Promotions and rollbacks where promotions go through stages.
@Suite struct RollingReleaseTests {
  private let project = "GET /v9/projects/prj_web"
  private let promote = "POST /v10/projects/prj_web/promote/dpl_new"
  private let rollback = "POST /v1/projects/prj_web/rollback/dpl_old"
  private let alias = "GET /v4/aliases/web.example.com"
  private let release = "GET /v1/projects/prj_web/rolling-release"
  private let staged = Reply.json(Sample.deployment("dpl_new", substate: "STAGED"))
  private let served = Reply.json(Sample.deployment("dpl_old", substate: "PROMOTED"))

  private func promoting(_ clock: ManualClock, _ more: [String: [Reply]] = [:]) -> FakeVercel {
    FakeVercel(
      clock: clock,
      [
        "GET /v13/deployments/dpl_new": [staged], promote: [.empty], alias: [Sample.alias("dpl_new")],
        project: [
          .json(Sample.project()), .json(Sample.project(job: Sample.job("pending", at: clock))),
          .json(Sample.project(job: Sample.job("in-progress", at: clock))),
          .json(Sample.project(live: "dpl_new", job: Sample.job("succeeded", at: clock))),
        ],
      ].merging(more) { _, own in own })
  }

  private func call(_ vercel: FakeVercel, limit: Duration = .seconds(300), record: Record = Record())
    -> StepCall
  {
    Sample.call(vercel.clock, limit: limit, results: Sample.deployed, record: record)
  }

  private func rolling(
    _ state: String, canary: String = "dpl_new", approval: Bool = false, queued: String? = nil
  ) -> Reply {
    func stage(_ index: Int64, _ percentage: Int64) -> JSON {
      [
        "index": .int(index), "isFinalStage": .bool(percentage == 100), "targetPercentage": .int(percentage),
        "requireApproval": .bool(approval), "duration": .null,
      ]
    }
    func deployment(_ id: String) -> JSON {
      ["id": .string(id), "name": "web", "createdAt": 1, "readyState": "READY", "url": "web.vercel.app"]
    }
    var release: [String: JSON] = [
      "state": .string(state), "currentDeployment": deployment("dpl_old"),
      "canaryDeployment": deployment(canary), "queuedDeploymentId": queued.map { .string($0) } ?? .null,
      "advancementType": approval ? "manual-approval" : "automatic",
      "stages": [stage(0, 10), stage(1, 100)], "activeStage": stage(0, 10), "nextStage": stage(1, 100),
      "startedAt": 1, "updatedAt": 2,
    ]
    release["substate"] = "PAUSED"
    return .json(["rollingRelease": .object(release)])
  }

  private func configured(live: String, job: JSON? = nil, approval: Bool = false, pinned: Bool = false)
    -> Reply
  {
    .json(
      Sample.project(
        live: live, job: job, pinned: pinned,
        more: [
          "rollingRelease": [
            "target": "production",
            "stages": [
              ["targetPercentage": 10, "requireApproval": .bool(approval)], ["targetPercentage": 100],
            ],
          ]
        ]))
  }

  @Test("a rolling release that a promotion starts is completed at once")
  func completes() async {
    let complete = "POST /v1/projects/prj_web/rolling-release/complete"
    let vercel = promoting(
      ManualClock(),
      [
        project: [
          configured(live: "dpl_old"), configured(live: "dpl_old"), configured(live: "dpl_old"),
          configured(live: "dpl_new"),
        ],
        release: [
          .json(["rollingRelease": .null]), rolling("ACTIVE"), rolling("ACTIVE"), rolling("COMPLETE"),
        ],
        complete: [.json(["rollingRelease": .null])],
      ])
    #expect(await vercel.platform().perform(Sample.promotion(), call(vercel)).word == "done")
    #expect(vercel.calls(complete).map(\.body) == [["canaryDeploymentId": "dpl_new"]])
  }

  @Test("where a person approves each stage shipit waits and completes nothing")
  func approval() async {
    let vercel = promoting(
      ManualClock(),
      [
        project: [configured(live: "dpl_old", approval: true)],
        release: [.json(["rollingRelease": .null]), rolling("ACTIVE", approval: true)],
      ])
    let outcome = await vercel.platform().perform(Sample.promotion(), call(vercel, limit: .seconds(30)))
    guard case .waiting(let words) = outcome else {
      Issue.record("\(outcome.word)")
      return
    }
    #expect(words.contains("10 %") && words.contains("approve"))
    #expect(!vercel.routes.contains("POST /v1/projects/prj_web/rolling-release/complete"))
  }

  @Test("a promotion queued behind another rolling release is said to wait for it")
  func queued() async {
    let vercel = promoting(
      ManualClock(),
      [
        project: [configured(live: "dpl_old")], promote: [.text(202, "")],
        release: [.json(["rollingRelease": .null]), rolling("ACTIVE", canary: "dpl_x", queued: "dpl_new")],
      ])
    let record = Record()
    let outcome = await vercel.platform().perform(
      Sample.promotion(), call(vercel, limit: .seconds(30), record: record))
    #expect(outcome.word == "waiting" && record.progress.contains { $0.contains("queued") })
  }

  @Test("a rolling release is aborted by going back to its base")
  func aborts() async {
    let clock = ManualClock()
    let vercel = FakeVercel(
      clock: clock,
      [
        "GET /v13/deployments/dpl_old": [served], rollback: [.empty], alias: [Sample.alias("dpl_old")],
        project: [
          configured(live: "dpl_old"),
          configured(
            live: "dpl_old", job: Sample.job("succeeded", to: "dpl_old", "rollback", at: clock), pinned: true),
        ], release: [rolling("ACTIVE"), rolling("ABORTED")],
      ])
    let outcome = await vercel.platform().perform(Sample.restore(), Sample.call(clock))
    #expect(outcome.word == "done" && vercel.calls(rollback).count == 1)
  }
}
