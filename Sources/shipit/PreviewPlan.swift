import Concurrency
import Engine
import Interface
import Ledgers
import Model
import Source

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// `preview --plan`: what a commit would change in the environment itself, by the ledger's last release alone. It asks no
/// platform and needs no secret, so that a pull request of anybody may run it.
enum PreviewPlan {
  /// What was made, for the comment of a pull request.
  struct Made: Sendable {
    var lines: [String]
    var commit: String
    var isEmpty: Bool
  }

  /// - Parameter tell: gets it once it is printed.
  static func run(
    _ base: Model.Environment, _ project: Project, _ invocation: Invocation, _ console: Console,
    tell: (Made) async -> Void
  ) async throws(Failure) -> ExitCode {
    if base.state == .local, access("\(project.root)/.shipit/\(base.name).db", R_OK) != 0 {
      throw Failure(
        .configuration, "the ledger of \(base.name) is local, and there is none on this machine",
        place: "\(project.root)/.shipit/\(base.name).db",
        hint: "share it: `state: git` or `state: {postgres: …}` in environments/\(base.name).yaml")
    }
    let ledger = try await LedgerPlace.open(project, base, Session.clock)
    let variables = processEnvironment()
    let source = try await GitSource.find(root: project.root, process: variables)
    let packer = CommitPacker(
      root: project.root, source: source, dirty: false, temporaryDirectory: variables["TMPDIR"] ?? "/tmp")
    let history = ProjectHistory(source: source, packer: packer, environment: base)
    let revision = try await history.resolve(invocation.value("commit") ?? "HEAD")
    let next = (try await ledger.runs(limit: 1).first?.release ?? 0) + 1
    let recorded = try RecordedPlan(
      base, commit: revision.commit, subject: revision.subject, releases: try await ledger.recentReleases(),
      next: next, digest: Session.digest)
    var report = PlanReport(recorded.plan, live: ReleaseHead(recorded.release), next: next)
    let words =
      "by the ledger alone, as it recorded release \(recorded.release.number) at \(recorded.release.endedAt.iso8601): no platform was asked and no secret compared; it is to be read, and executes nothing"
    let lines =
      console.noteCanvas.draw(Line(.strong("a plan "), Span(words), overflow: .wrap(hanging: 2))) + [""]
      + report.text(console.noteCanvas)
    if console.wantsJSON {
      report.warnings.insert("a plan \(words)", at: 0)
      console.result(report)
    } else {
      console.result(
        console.resultCanvas.draw(Line(.strong("a plan "), Span(words), overflow: .wrap(hanging: 2))) + [""]
          + report.text(console.resultCanvas))
    }
    console.actions?.append(
      summary: ActionsReport.markdown(plan: lines, environment: base.name, redact: console.redactor))
    await tell(Made(lines: lines, commit: revision.commit, isEmpty: recorded.plan.isEmpty))
    return .done
  }
}
