import Adoption
import Interface
import Language
import Model

/// `init` for a repository that is deployed already.
enum AdoptCommand {
  static func run(_ invocation: Invocation, _ console: Console) async throws(Failure) -> ExitCode {
    let name = invocation.positional(0) ?? "prod"
    guard name.wholeMatch(of: #/[a-z0-9][a-z0-9-]{0,62}/#) != nil else {
      throw Failure(
        .configuration, "“\(name)” is no name of an environment", place: "ENV",
        hint: "use lower-case letters, digits and hyphens: shipit init prod")
    }
    let root = try InitCommand.repository(invocation)
    let tree = await RepositoryFiles.tree(at: root)
    let findings = Survey.findings(tree)
    let files = Joiner.draft(findings, of: tree, environment: name)
    var live = LiveFacts()
    if !invocation.has("offline") {
      live = try await LivePlatforms.facts(files, tree, at: root, project: nil, console)
    }
    var answers: Answers = [:]
    // Which project it is comes first: what stands there answers much else.
    if let question = live.questions.first(where: { $0.id == "project" }), mayAsk(invocation, console) {
      let said = await ask(question, console)
      answers["project"] = said
      if said != question.standard {
        live = try await LivePlatforms.facts(files, tree, at: root, project: said, console)
      }
    }
    answers = await self.answers(findings, tree, name, live, answers, invocation, console)
    let draft = Joiner.draft(findings, of: tree, environment: name, answers: answers, live: live)
    let text = EnvironmentText.text(draft)
    if invocation.has("dry-run") {
      if let text, !console.wantsJSON {
        console.note(live.notes)
        console.write(String(text.dropLast()))
      }
      if text == nil || console.wantsJSON { console.result(AdoptionReport(draft, file: nil, mistakes: [])) }
      return text == nil ? .usage : .done
    }
    var file: InitReport.File?
    var mistakes: [String] = []
    var counted: Int?
    if let text {
      let path = "\(EnvironmentReader.directory)/\(name).yaml"
      file = try InitCommand.write(
        EmbeddedFile(name: path, text: text), below: root, force: invocation.has("force"))
      let result = Project(root: root).read(name)
      counted = result.environment?.services.count
      mistakes = result.diagnostics.filter { $0.severity == .error }.map { "\($0.mark): \($0.message)" }
    }
    var report = AdoptionReport(draft, file: file, mistakes: mistakes)
    let planned = report.isComplete ? await AdoptionPlan.make(name, draft, root, invocation, console) : nil
    report.undecided = draft.open.count
    if file?.state != .kept { report.counted = counted }
    report.unchecked = planned?.unchecked
    report.steps = planned?.report?.steps.count
    if console.isQuiet, !console.wantsJSON {
      console.result(BriefAdoption(report))
    } else {
      console.result(report)
      if let plan = planned?.report, !console.wantsJSON { console.result(plan) }
    }
    return report.isComplete ? .done : .usage
  }

  /// What a person says to the questions that something can be done about, one after another. An answer may open
  /// the next question, or close one.
  private static func answers(
    _ findings: [Adoption.Finding], _ tree: FileTree, _ name: String, _ live: LiveFacts, _ known: Answers,
    _ invocation: Invocation, _ console: Console
  ) async -> Answers {
    var answers = known
    guard mayAsk(invocation, console) else { return answers }
    while true {
      let draft = Joiner.draft(findings, of: tree, environment: name, answers: answers, live: live)
      guard let question = draft.questions.first(where: { $0.standard != nil && answers[$0.id] == nil })
      else {
        return answers
      }
      answers[question.id] = await ask(question, console)
    }
  }

  private static func mayAsk(_ invocation: Invocation, _ console: Console) -> Bool {
    console.canAsk && !invocation.has("yes") && !invocation.has("dry-run") && !console.wantsJSON
  }

  private static func ask(_ question: Adoption.Question, _ console: Console) async -> String {
    let standard = question.standard ?? ""
    var lines = ["", question.text]
    if !question.evidence.isEmpty {
      lines.append("  " + question.evidence.prefix(3).map(\.description).joined(separator: ", "))
    }
    guard case .choice(let choices) = question.answer else {
      console.note(lines)
      let said = await console.text("[\(standard.isEmpty ? "none" : standard)] ")
      return said.isEmpty ? standard : said
    }
    for (index, choice) in choices.enumerated() {
      lines.append("  \(index + 1)  \(choice.word): \(choice.meaning)")
    }
    console.note(lines)
    let said = await console.text("[1] ")
    if let number = Int(said), choices.indices.contains(number - 1) { return choices[number - 1].word }
    return choices.first { $0.word == said }?.word ?? standard
  }
}

extension AdoptionReport {
  init(_ draft: Draft, file: InitReport.File?, mistakes: [String]) {
    self.init(
      environment: draft.environment, file: file,
      services: draft.services.map { service in
        let isWritten = service.standing == .written
        return Service(
          name: service.key, platform: service.host.title, evidence: service.configs[0], isWritten: isWritten,
          reason: isWritten ? nil : EnvironmentText.outcome(service))
      },
      questions: draft.questions.map { .init(text: $0.text, evidence: $0.evidence.map(\.description)) },
      dangers: draft.dangers.map {
        .init(
          kind: $0.kind.rawValue, message: $0.message, evidence: $0.evidence.description,
          others: $0.others.map(\.description))
      },
      remarks: draft.remarks.map { .init(text: $0.value, evidence: $0.evidence.description) },
      mistakes: mistakes, hasRailwayFiles: draft.hasRailwayFiles)
  }
}
