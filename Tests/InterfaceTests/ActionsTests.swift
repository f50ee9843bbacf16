import Concurrency
import Interface
import JSON
import Model
import Testing

@Suite struct `Commands to the runner of GitHub Actions` {
  @Test(arguments: [
    (
      WorkflowCommand("error", [("file", "a:b,c"), ("title", "50%")], "50%\r\ntwo"),
      "::error file=a%3Ab%2Cc,title=50%25::50%25%0D%0Atwo"
    ),
    (.group("deploy web"), "::group::deploy web"),
    (.endGroup, "::endgroup::"),
  ]) func `are escaped, percent signs first`(_ command: WorkflowCommand, _ line: String) {
    #expect(command.line == line)
  }

  @Test(arguments: [
    ("plain: text :: of a line", "plain: text :: of a line"),
    ("::set-output name=a::b", "\\::set-output name=a::b"),
    ("  \t::error::x", "  \t\\::error::x"),
    ("fine\r::error::x", "fine\r\\::error::x"),
    ("fine\r\n::error::x\nfine", "fine\r\n\\::error::x\nfine"),
    ("\u{00A0}::error::x", "\u{00A0}\\::error::x"),
    ("one\u{2028}::error::x", "one\u{2028}\\::error::x"),
    (": one colon", ": one colon"),
    (":x::", ":x::"),
    ("log ##[add-mask]x", "log ##\\[add-mask]x"),
    ("##[group]::", "##\\[group]::"),
  ]) func `are not found in text of others`(_ text: String, _ safe: String) {
    #expect(WorkflowCommand.neutralised(text) == safe)
  }

  @Test func `are not found in JSON either, whose value stays`() throws {
    let text = JSON.object(["line": "##[stop-commands]x"]).serialized()
    let safe = WorkflowCommand.neutralised(json: text)
    #expect(!safe.contains("##["))
    #expect(try JSON(parsing: safe.utf8)["line"] == "##[stop-commands]x")
  }

  @Test func `hide a value and each of its lines, but nothing so short that half of the log would go`() {
    func masked(_ value: String) -> [String] { WorkflowCommand.masks(value).map(\.line) }
    #expect(masked("hush%42") == ["::add-mask::hush%2542"])
    #expect(
      masked("-----BEGIN\r\n  abcdef  \nxyz\n") == [
        "::add-mask::-----BEGIN%0D%0A  abcdef  %0Axyz%0A", "::add-mask::-----BEGIN", "::add-mask::abcdef",
      ])
    #expect(masked("abc") == [])
    #expect(masked("") == [])
  }
}

@Suite struct `Annotations in GitHub Actions` {
  @Test func `stand at the file and line a failure names, else with the step it names`() {
    func line(_ failure: Failure) -> String { Annotation(failure).command { $0 }.line }
    #expect(
      line(Failure(.configuration, "no", place: "environments/prod.yaml:3:5", hint: "do"))
        == "::error file=environments/prod.yaml,line=3,col=5,title=shipit::no%0Anext: do")
    #expect(
      line(Failure(.configuration, "no", place: "environments/prod.yaml:3"))
        == "::error file=environments/prod.yaml,line=3,title=shipit::no")
    #expect(
      line(Failure(.failed, "no", place: "railway deployment d-1", cause: "why"))
        == "::error title=shipit::no%0Awhere: railway deployment d-1%0Abecause: why")
    for place in ["http://127.0.0.1:80", "a:b:3", "web:0", "12", ":3"] {
      #expect(Annotation.Place(place) == nil, "\(place)")
    }
  }

  @Test func `are the best ten of each kind, errors first`() {
    let found = (1...12).flatMap { number in
      [
        Annotation(.warning, title: "w", message: "\(number)"),
        Annotation(.error, title: "e", message: "\(number)"),
      ]
    }
    let best = Annotation.best(found)
    #expect(best.map(\.title) == Array(repeating: "e", count: 10) + Array(repeating: "w", count: 10))
    #expect(best.first?.message == "1" && best.last?.message == "10")
  }

  @Test func `are cut where GitHub cuts them, without secrets and control characters`() {
    let annotation = Annotation(
      .error, title: "\u{1B}[31mhush", message: "hush\u{07}" + String(repeating: "x", count: 5000))
    let line = annotation.command(hiding("hush")).line
    #expect(line.hasPrefix("::error title=‹secret›::‹secret›xxx"))
    #expect(line.count < 4200 && line.hasSuffix("x…"))
  }
}

@Suite struct `Progress in GitHub Actions` {
  @Test func `puts a step's log into a group, and ends with an annotation`() throws {
    var face = ActionsFace(Canvas(width: nil))
    try expectGolden("run-actions.txt", rolledBackEvents().flatMap { face.handle($0) })
  }

  @Test func `keeps whatever others write from being a command`() {
    var face = ActionsFace(Canvas(width: nil))
    var plan = samplePlan()
    plan.app = "::error::app"
    let step = plan.steps[1]
    var lines = face.handle(event(0, .started(facts(), plan: plan)))
    lines += face.handle(event(0, .stepBegan(step, attempt: 1)))
    for text in [
      "::error::one", "  ::stop-commands::x", "a ##[add-mask]x", "one\r::error::two", "one\n::error::three",
    ] {
      lines += face.handle(event(1, .stepLog(step.id, text)))
      lines += face.handle(event(1, .stepProgress(step.id, text)))
    }
    let failure = Failure(.failed, "bad\n::error::four", cause: "::error::five\n::error::six")
    lines += face.handle(event(2, .stepEnded(step.id, .failed(failure, moved: false))))
    let commands = lines.flatMap { $0.split(separator: "\n") }.filter {
      $0.drop { $0 == " " }.hasPrefix("::")
    }
    #expect(commands == ["::group::log of deploy api", "::endgroup::"])
    #expect(!lines.joined().contains("##["))
  }

  @Test func `keeps the newest lines of a long log, and says how many went before`() {
    var face = ActionsFace(Canvas(width: nil))
    let plan = samplePlan()
    _ = face.handle(event(0, .started(facts(), plan: plan)))
    _ = face.handle(event(0, .stepBegan(plan.steps[1], attempt: 1)))
    for number in 1...(ActionsFace.kept + 7) {
      _ = face.handle(event(1, .stepLog("api.deploy", "line \(number)")))
    }
    let lines = face.handle(event(2, done("api.deploy", "live")))
    #expect(lines.contains("(7 earlier lines left out)"))
    #expect(lines.contains("line 8") && !lines.contains("line 7"))
    #expect(lines.contains("line \(ActionsFace.kept + 7)"))
  }
}

@Suite struct `What a job of GitHub Actions keeps` {
  private func report(
    _ events: [RunEvent], plan: [String] = [], redact: @escaping @Sendable (String) -> String = { $0 }
  )
    -> ActionsReport
  {
    var picture = RunPicture()
    for event in events { picture.handle(event) }
    return ActionsReport(picture, environment: "prod", plan: plan, redact: redact)
  }

  private var plan: [String] {
    PlanReport(samplePlan(), live: liveHead, next: 7).text(Canvas(width: nil))
  }

  @Test func `is a page that tells result, services, cause, next command, plan, steps and log`() throws {
    try expectGolden("actions-rolled-back.md", [report(rolledBackEvents(), plan: plan).markdown])
    try expectGolden("actions-released.md", [report(releasedEvents(), plan: plan).markdown])
  }

  @Test func `says so when there was nothing to do`() {
    let report = ActionsReport(RunPicture(), environment: "prod", plan: [], live: liveHead)
    #expect(report.markdown.hasPrefix("### prod: nothing to do, release 6 is live\n"))
    #expect(report.outputs.first { $0.name == "result" }?.value == "nothing-to-do")
    #expect(report.outputs.first { $0.name == "commit" }?.value == old)
  }

  @Test func `stays under the limit above which GitHub drops a page, whatever comes`() {
    let line = String(repeating: "é`|<", count: 200)
    var events = Array(rolledBackEvents().prefix(10))
    for number in 0..<1000 {
      let step = deploy(ServiceName(rawValue: "service-\(number)"))
      events.append(event(2, .stepBegan(step, attempt: 1)))
      // Of the first few the log is shown.
      for _ in 0..<(number < 9 ? 20 : 0) { events.append(event(2, .stepLog(step.id, line))) }
      events.append(event(3, .stepEnded(step.id, .failed(Failure(.failed, line, cause: line), moved: false))))
    }
    events.append(rolledBackEvents()[rolledBackEvents().count - 1])
    let page = report(events, plan: Array(repeating: line, count: 5000)).markdown
    #expect(page.utf8.count <= ActionsReport.summaryLimit)
    #expect(page.utf8.count > 300_000)
    #expect(page.contains("lines left out"))
  }

  @Test func `shows text of others as text, without secrets`() {
    var plan = samplePlan()
    plan.services[0].address = "https://x.example.com/<script>"
    let failure = Failure(
      .failed, "<script>alert(1)</script> | *bold* hush", place: "step", cause: "```\n# heading",
      hint: "do `it`")
    let page = report(
      [
        event(0, .started(facts(), plan: plan)), event(0, .stepBegan(plan.steps[1], attempt: 1)),
        event(0, .stepLog("api.deploy", "````")),
        event(1, .stepEnded("api.deploy", .failed(failure, moved: false))),
        event(
          2,
          .finished(
            RunResult(state: .unchanged, exit: .failedClean, failure: failure, failedStep: "api.deploy"))),
      ], redact: hiding("hush")
    ).markdown
    #expect(!page.contains("<script>"))
    #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; \\| \\*bold\\* ‹secret›"))
    #expect(!page.contains("\n# heading") && !page.contains("hush"))
    #expect(page.contains("`````text\n````\n`````"))
    #expect(page.contains("`` do `it` ``"))
  }

  @Test func `hands release, result, live commit and addresses to later steps`() throws {
    let outputs = Dictionary(
      report(releasedEvents()).outputs.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    #expect(outputs["result"] == "released" && outputs["exit"] == "0")
    #expect(outputs["release"] == "7" && outputs["run"] == "12")
    #expect(outputs["url"] == "https://worker.example.com")
    let urls = try JSON(parsing: Array((outputs["urls"] ?? "").utf8))
    #expect(urls["api"] == "https://api.example.com")
    // worker was not moved, and runs the old code: there is no one commit.
    #expect(outputs["commit"] == "")
    let failed = Dictionary(
      report(rolledBackEvents()).outputs.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    #expect(failed["result"] == "rolled-back" && failed["exit"] == "7" && failed["commit"] == old)
  }

  @Test func `writes outputs so that no value can become another output`() {
    #expect(ActionsReport.entry("a", "x=y\nb<<c", delimiter: "D1") == "a<<D1\nx=y\nb<<c\nD1\n")
    #expect(ActionsReport.entry("a", "x\nD1\nb=c", delimiter: "D1") == nil)
  }

  @Test func `tells of a failure before a run began`() throws {
    let failure = Failure.leaseHeld(lease(), environment: "prod", now: after(20))
    try expectGolden(
      "actions-refused.md",
      [ActionsReport.markdown(failure, exit: .leaseHeld, redact: { $0 })])
  }

  @Test func `tells what waits for approval, with the plan, and how to go on`() throws {
    let failure = Failure(
      .waiting, "1a2b3c4 needs an approval before it goes to prod", place: "protect.approval",
      cause: "1 wanted, none given", hint: "bo or cy may type: shipit approve prod --digest 3f2a9c81b7d0")
    try expectGolden(
      "actions-waiting.md",
      [
        ActionsReport.markdown(
          failure, exit: .waiting, plan: plan, after: "gh run rerun 4711 --failed", redact: { $0 })
      ])
    // Nothing is wrong.
    #expect(Annotation(failure).command { $0 }.line.hasPrefix("::warning title=shipit::1a2b3c4 needs"))
    let outputs = ActionsReport.outputs(failure, exit: .waiting)
    #expect(outputs.first { $0.name == "result" }?.value == "waiting")
    #expect(ActionsReport.outputs(failure, exit: .policy).first?.value == "refused")
  }
}

@Suite struct `What init did` {
  @Test func `shows the lines that differ with those around them`() {
    let old = (1...9).map { "line \($0)" }.joined(separator: "\n") + "\n"
    let new = old.replacing("line 5\n", with: "line five\nline 5 and a half\n")
    #expect(
      LineDifference.lines(from: old, to: new) == [
        "@@", "  line 3", "  line 4", "- line 5", "+ line five", "+ line 5 and a half", "  line 6",
        "  line 7",
      ])
    #expect(LineDifference.lines(from: old, to: old) == [])
  }

  @Test func `says of each file what became of it`() throws {
    try expectGolden(
      "init.txt",
      InitReport([
        .init(path: ".github/actions/shipit/action.yml", state: .written),
        .init(path: ".github/workflows/deploy.yml", state: .unchanged),
        .init(
          path: ".github/workflows/rollback.yml", state: .kept,
          difference: ["@@", "  same", "- yours", "+ ours"]),
      ]).text(.eighty))
  }
}
