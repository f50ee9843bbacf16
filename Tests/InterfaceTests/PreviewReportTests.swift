import Concurrency
import Interface
import JSON
import Model
import Testing

@Suite struct `What preview says` {
  private func release() -> Release {
    var worker = record("worker", new, proof: .platform)
    worker.address = nil
    var web = record("web", new)
    web.address = "https://web-1a2b3c4-acme.vercel.app"
    return Release(
      number: 4, run: RunID(4), kind: .deploy, app: "shop", environment: "pr-7", commit: new,
      subject: "a *bold* <script> subject", isDirty: false, by: "ann@laptop", startedAt: start,
      endedAt: start,
      result: RunResult(state: .released, exit: .done), configurationDigest: "",
      services: ["api": record("api", new), "worker": worker, "web": web], order: ["api", "worker", "web"])
  }

  private func report() -> PreviewReport {
    PreviewReport(
      release(), of: PreviewOrigin(base: "prod", branch: "feature/x"),
      notes: ["api gets no JWT_SECRET: a preview gets no secret of prod"])
  }

  private func removal(_ parts: [PreviewPart]) -> PreviewRemovalReport {
    PreviewRemovalReport(name: "pr-7", base: "prod", deleted: parts)
  }

  private let parts = [
    PreviewPart(.deployment, on: .vercel, name: "dpl_1 of web", id: "dpl_1"),
    PreviewPart(.environment, on: .railway, name: "pr-7", id: "e-1"),
  ]

  @Test func `is one screen with every address, and the way to be rid of it`() throws {
    let shown = [report().text(.eighty), removal(parts).text(.eighty), removal([]).text(.eighty)]
    try expectGolden("preview.txt", Array(shown.joined(separator: [""])))
    for lines in shown { expectFits(lines, 80) }
    let document = try JSON(parsing: Array(report().json().utf8))
    #expect(document["kind"]?.string == "preview")
    #expect(document["services"]?.array?.last?["url"]?.string == "https://web-1a2b3c4-acme.vercel.app")
  }

  @Test func `is shown in a comment in which nobody's text is markup`() throws {
    let markdown = PreviewMarkdown(
      run: "https://github.com/acme/shop/actions/runs/4711", redact: hiding("feature"))
    let failure = Failure(.failed, "api did not answer", cause: "status 500 | <b>")
    let sections = [
      markdown.live(report()), markdown.gone(removal(parts)),
      markdown.failed("pr-7", commit: new, exit: .failedClean, failure),
      markdown.plan(["deploy shop prod", "```", "~ api"], environment: "prod", commit: new, isEmpty: false),
    ]
    try expectGolden("preview-comment.md", sections)
    #expect(sections.allSatisfy { !$0.contains("<script>") && !$0.contains("<b>") })
  }
}
