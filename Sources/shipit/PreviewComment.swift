import GitHub
import HTTP
import Interface
import Model

/// Keeps the comment of a pull request current; nothing that goes wrong with it concerns the preview.
struct PreviewComment: Sendable {
  private let comment: PullRequestComment?
  private let console: Console
  private let http: any HTTPTransport
  let markdown: PreviewMarkdown

  /// Without a pull request, or outside of GitHub Actions, nobody is told.
  init(_ subject: PreviewSubject, _ console: Console, http: any HTTPTransport = HTTPClient()) {
    self.console = console
    self.http = http
    let target = console.actions?.target
    markdown = PreviewMarkdown(run: target?.runURL, redact: console.redactor)
    guard let number = subject.pullRequest, let target else {
      comment = nil
      return
    }
    comment = PullRequestComment(
      target, number: number, key: "\(subject.base.app)/\(subject.base.name)", http: http,
      version: shipitVersion)
  }

  /// Tells GitHub that the preview's deployments are no more.
  func retire(_ environment: Model.Environment) async {
    guard let target = console.actions?.target else { return }
    do throws(Failure) {
      try await RetiredDeployments.retire(
        environment.name, of: environment.app, on: target, http: http, clock: Session.clock,
        version: shipitVersion)
    } catch { tell(error, "deployments on GitHub") }
  }

  private func tell(_ failure: Failure, _ title: String) {
    var annotation = Annotation(failure, title: title)
    annotation.severity = .warning
    console.annotate([annotation])
  }

  func update(_ section: PullRequestComment.Section, to text: String, creates: Bool = true) async {
    guard let comment else { return }
    do throws(Failure) {
      try await comment.update(section, to: text, creates: creates)
    } catch {
      // The page of the run has the same.
      tell(error, "comment of the pull request")
      console.actions?.append(summary: text)
    }
  }
}
