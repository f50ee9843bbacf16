import GitHub
import Interface
import Model

/// `drift --issue`: what was changed by hand, in one issue of the repository whose job this is.
enum DriftIssue {
  /// - Throws: `configuration` outside of a job, or without its token; what GitHub refuses.
  static func keep(_ report: DriftReport, _ session: Session, _ console: Console) async throws(Failure) {
    guard let target = console.actions?.target else {
      throw Failure(
        .configuration, "drift --issue works in a job of GitHub Actions", place: "--issue",
        cause: "there is no GITHUB_REPOSITORY with a GITHUB_TOKEN here",
        hint: "shipit drift \(report.environment), or shipit init --workflows for drift.yml")
    }
    let keeper = IssueKeeper(target, http: session.http, version: shipitVersion)
    let key = "drift:\(report.app)/\(report.environment)"
    guard report.hasDrift else {
      let outcome = try await keeper.end(
        key,
        word: "No drift any more: the platforms have what shipit wrote."
          + (target.runURL.map { " Seen by \($0)" } ?? ""))
      if case .closed(let number) = outcome { console.note(["closed issue #\(number)"]) }
      return
    }
    let outcome = try await keeper.keep(
      KeptIssue(
        key: key, title: console.redactor(report.issueTitle),
        body: report.issueBody(redact: console.redactor), label: "shipit-drift"))
    switch outcome {
    case .opened(let number): console.note(["opened issue #\(number)"])
    case .updated(let number): console.note(["brought issue #\(number) up to date"])
    case .unchanged(let number): console.note(["issue #\(number) says so already"])
    case .closed, .nothing: break
    }
  }
}
