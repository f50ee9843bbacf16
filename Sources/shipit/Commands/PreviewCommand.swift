import Concurrency
import Engine
import GitHub
import Interface
import JSON
import Model
import Runner
import Terminal

/// `preview`: a branch beside an environment, at addresses of its own.
enum PreviewCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, base, console throws(Failure) in
      if invocation.has("delete"), invocation.has("plan") {
        throw Failure(
          .configuration, "--delete does not go with --plan", place: "--delete",
          hint: "leave one of them out")
      }
      if invocation.has("plan") {
        // Nothing is made that needs a name; only a pull request's comment is told by it.
        let subject = try? await PreviewSubject(invocation, project, base, processEnvironment())
        return try await PreviewPlan.run(base, project, invocation, console) { plan in
          guard let comment = subject.map({ PreviewComment($0, console) }) else { return }
          await comment.update(
            .plan,
            to: comment.markdown.plan(
              plan.lines, environment: base.name, commit: plan.commit, isEmpty: plan.isEmpty))
        }
      }
      let subject = try await PreviewSubject(invocation, project, base, processEnvironment())
      let comment = PreviewComment(subject, console)
      do throws(Failure) {
        if invocation.has("delete") {
          let asks = !invocation.has("yes")
          guard
            let report = try await PreviewRemoval.run(subject, project, console, asks: asks)
          else { return .interrupted }
          await comment.update(.preview, to: comment.markdown.gone(report), creates: false)
          await comment.retire(subject.environment)
          return .done
        }
        return try await make(subject, project, invocation, console, comment)
      } catch {
        await comment.update(
          .preview,
          to: comment.markdown.failed(
            subject.name, commit: invocation.value("commit"), exit: error.exitCode, error))
        throw error
      }
    }
  }

  private static func make(
    _ subject: PreviewSubject, _ project: Project, _ invocation: Invocation, _ console: Console,
    _ comment: PreviewComment
  ) async throws(Failure) -> ExitCode {
    let environment = subject.environment
    let session = try await Session(project, environment, console, needsVariables: true)
    let made = try await PreviewRemoval.made(session.ledger)
    for platform in session.platforms.values { platform.remember(made: made) }
    let revision = try await session.history.resolve(invocation.value("commit") ?? "HEAD")
    if !console.wantsJSON {
      console.note(
        ["preview \(environment.name) of \(subject.base.name)"]
          + subject.preview.notes.flatMap { note in
            console.noteCanvas.draw(Line.labelled("note", [Span(note)], width: 6))
          })
    }
    // A branch is rewritten as its author likes, and nobody depends on the preview: no commit is too old for it, and
    // none is bad for ever.
    let request = DeployRequest(
      revision: revision, allowsOlder: true, again: true, reason: "preview of \(subject.base.name)")
    let exit = try await DeployCommand.run(
      request, session, console, purpose: "preview \(revision.commit.prefix(7))",
      asks: !invocation.has("yes"))
    guard exit == .done, let origin = environment.previewOf,
      let release = try await session.ledger.recentReleases().first(where: \.isGood)
    else {
      await comment.update(
        .preview,
        to: comment.markdown.failed(environment.name, commit: revision.commit, exit: exit, nil))
      return exit
    }
    let report = PreviewReport(release, of: origin, notes: subject.preview.notes)
    console.result(report)
    console.actions?.append(outputs: outputs(report))
    await comment.update(.preview, to: comment.markdown.live(report))
    return exit
  }

  /// For the steps that follow in a job: also when there was nothing to do.
  private static func outputs(_ report: PreviewReport) -> [(name: String, value: String)] {
    let urls = report.services.compactMap { line in
      line.url.map { (line.service.rawValue, JSON.string($0)) }
    }
    let all = JSON.object(Dictionary(urls, uniquingKeysWith: { first, _ in first }))
    return [
      ("preview", report.name), ("commit", report.commit), ("url", report.url ?? ""),
      ("urls", all.serialized()),
    ]
  }
}
