import Concurrency
import Interface
import JSON
import Model
import Testing

private let now = start + .seconds(3600)
private let names: [ServiceName] = ["api", "jobs", "web"]

private func run(_ number: Int, _ result: RunResult) -> RunRecord {
  RunRecord(
    id: RunID(number), release: number - 5, plan: ThreePlatforms.plan(), by: "ann@laptop", startedAt: start,
    result: result, endedAt: after(60))
}

private func declared() -> [Service] {
  names.map {
    Service(
      key: $0, platform: ThreePlatforms.platforms[$0] ?? .railway,
      source: .directory(path: ".", root: nil, include: []))
  }
}

private func live(_ id: String, _ commit: String? = nil) -> LiveState {
  LiveState(
    live: Deployment(id: id, status: .live, word: "SUCCESS", createdAt: start, commit: commit), newest: nil,
    address: nil)
}

/// What is live against what the last good release has, whatever failed since.
@Suite struct `Status after somebody else's rollback and a failed deploy` {
  private let six = ThreePlatforms.release(6, new)
  private let failed = RunResult(state: .unchanged, exit: .failedClean, failedStep: "web.verify")

  private func report(_ seven: Release, _ state: RunResult) -> StatusReport {
    StatusReport(
      app: "athlete-ally", environment: "prod", now: now, releases: [seven, six],
      runs: [run(12, state), run(11, good)], declared: declared())
  }

  @Test func `has a row of every declared service and no green headline`() throws {
    // The run did not know what served for api, so its record has no api.
    var seven = ThreePlatforms.release(7, new, failed)
    for name in names { seven.services[name] = six.services[name] }
    seven.services["api"] = nil
    var report = report(seven, failed)
    #expect(report.services.map(\.service) == names)
    report.fill(["api": live("d-by-hand", old)])
    report.fill(["jobs": live("d-6-jobs"), "web": live("d-6-web")])
    #expect(report.differing == ["api"])
    let text = report.text(.eighty)
    expectFits(text, 80)
    try expectGolden("status-foreign.txt", text)
    #expect(text[1].hasPrefix("✗"))
    #expect(try JSON(parsing: report.json().utf8).decoded(as: StatusReport.self).text(.eighty) == text)
  }

  @Test func `does not take what the run put back for the release`() {
    // It found an old deployment by hand, replaced it, and put the old one back.
    var seven = ThreePlatforms.release(7, new, backed)
    for name in names { seven.services[name] = six.services[name] }
    seven.services["api"]?.commit = old
    seven.services["api"]?.deployment = "d-restored"
    var report = report(seven, backed)
    report.fill(["api": live("d-restored"), "jobs": live("d-6-jobs"), "web": live("d-6-web")])
    #expect(report.differing == ["api"])
    #expect(report.text(.eighty)[1].hasPrefix("✗"))
    #expect(
      report.text(Canvas(width: nil)).contains {
        $0.contains("deployment d-restored of 9f8e7d6 is live, release 6 has d-6-api of 1a2b3c4")
      })
  }

  @Test func `takes the release's own code under a new deployment for the release`() {
    var seven = ThreePlatforms.release(7, new, backed)
    for name in names { seven.services[name] = six.services[name] }
    seven.services["api"]?.deployment = "d-restored"
    var report = report(seven, backed)
    report.fill(["api": live("d-restored"), "jobs": live("d-6-jobs"), "web": live("d-6-web")])
    #expect(report.differing.isEmpty)
    #expect(report.text(.eighty)[1].hasPrefix("✓"))
  }

  @Test func `does not call a release live of which a platform tells nothing`() {
    var report = report(ThreePlatforms.release(7, new, failed), failed)
    report.fill(["api": live("d-6-api"), "jobs": live("d-6-jobs")])
    report.fail(.vercel, Failure(.configuration, "1 secret of prod cannot be resolved: VERCEL_TOKEN"))
    report.end()
    let text = report.text(Canvas(width: nil))
    #expect(text[1].hasPrefix("!") && text[1].contains("what serves for web is not known"))
    #expect(text.contains { $0.contains("live state not known: 1 secret of prod") })
  }

  @Test func `without the platforms still tells what the failed run saw`() {
    var seen = failed
    seen.foreign = ["web": ForeignDeployment(id: "dpl_x", commit: old)]
    var seven = ThreePlatforms.release(7, new, seen)
    for name in names { seven.services[name] = six.services[name] }
    var report = report(seven, seen)
    report.isOffline = true
    let text = report.text(Canvas(width: nil))
    #expect(text[1].hasPrefix("!") && text[1].contains("what serves for web is not known"))
    #expect(text.contains { $0.contains("run 12 found somebody else's deployment dpl_x of 9f8e7d6 there") })
    // The platform's own word goes before it.
    report.fill(["web": live("d-6-web")])
    #expect(report.unknown.isEmpty && report.differing.isEmpty)
  }

  @Test func `before any release has a row of every declared service`() {
    var report = StatusReport(app: "a", environment: "prod", now: now, declared: declared())
    report.fill(["api": live("d-by-hand", old), "jobs": LiveState(live: nil, newest: nil, address: nil)])
    report.end()
    let text = report.text(Canvas(width: nil))
    #expect(report.services.map(\.service) == names)
    #expect(text.contains { $0.contains("no release tells who put it there") })
    #expect(text.contains { $0.contains("Vercel does not tell of it") })
    #expect(report.truth == .nothing)
  }
}
