package import Adoption
import JSON

/// Compares what adoption makes of a repository with what is expected of it, field by field.
package struct Judge {
  let expected: JSON
  let draft: Draft
  /// Everything a person gets to read, in lower case.
  let said: String
  var verdicts: [Verdict] = []
  var matched: Set<String> = []

  package static func judge(_ example: Corpus.Case) -> Judgement {
    let findings = Survey.findings(example.tree)
    return judge(Joiner.draft(findings, of: example.tree), example)
  }

  package static func judge(_ draft: Draft, _ example: Corpus.Case) -> Judgement {
    var judge = Judge(expected: example.expected, draft: draft, said: Judge.said(draft))
    judge.services()
    judge.needs()
    judge.migrations()
    judge.variables()
    judge.dependencies()
    judge.workflows()
    let invented = draft.written.map(\.key).filter { !judge.matched.contains($0) } + judge.forbidden()
    return Judgement(
      repository: example.repository, verdicts: judge.verdicts, inventedServices: invented,
      written: draft.written.count, ambiguities: judge.ambiguities(), problems: judge.problems())
  }

  static func said(_ draft: Draft) -> String {
    var texts = [EnvironmentText.text(draft) ?? ""]
    texts += draft.questions.map { $0.text + " " + $0.subjects.joined(separator: " ") }
    texts += draft.questions.flatMap { $0.evidence.map(\.description) }
    texts += draft.dangers.map { "\($0.evidence) \($0.message) \($0.kind.rawValue)" }
    texts += draft.remarks.map { "\($0.value) \($0.evidence)" }
    texts += draft.services.map(EnvironmentText.outcome)
    texts += draft.leftOut.map { "\($0.value) \($0.note ?? "")" }
    return texts.joined(separator: "\n").lowercased()
  }

  mutating func note(
    _ subject: String, _ field: String, _ grade: Verdict.Grade, _ outcome: Verdict.Outcome,
    _ expected: String = "", _ actual: String = ""
  ) {
    verdicts.append(
      Verdict(
        subject: subject, field: field, grade: grade, outcome: outcome, expected: expected, actual: actual))
  }

  func grade(_ json: JSON?, _ key: String = "certainty", default standard: Verdict.Grade = .sure)
    -> Verdict.Grade
  {
    json?[key]?.string.flatMap(Verdict.Grade.init) ?? standard
  }

  /// Whether a question is about all of these.
  func isAsked(_ subjects: String...) -> Bool {
    draft.questions.contains { question in
      let text = question.text.lowercased()
      return subjects.allSatisfy { subject in
        question.subjects.contains(subject)
          || text.split(whereSeparator: { " ,:;?()`".contains($0) }).contains { $0 == subject.lowercased() }
      }
    }
  }

  // MARK: - The rest of a repository

  private mutating func needs() {
    for (list, standard) in [("databases", Verdict.Grade.sure), ("caches", .sure)] {
      for need in expected["needs"]?[list]?.array ?? [] {
        let kind = need["kind"]?.string ?? ""
        let word = kind == "upstash redis" ? "redis" : kind
        let grade = grade(need, default: standard)
        let store = draft.stores.first { $0.kind == word }
        let asked = isAsked(word)
        let outcome: Verdict.Outcome =
          if let store, store.certainty == .guess, asked { .asked } else if store != nil {
            grade == .guess ? .invented : .found
          } else { asked ? .asked : .missed }
        note(word, "needs", grade, outcome, kind, store.map { "\($0.kind) \($0.certainty)" } ?? "")
        for user in need["used_by"]?.array?.compactMap(\.string) ?? [] where grade != .guess {
          let key = service(named: user)?.key ?? user
          let isFound = store?.users.contains(key) ?? false
          note(
            word, "used by \(user)", .likely, isFound ? .found : isAsked(word, key) ? .asked : .missed, user,
            store?.users.sorted().joined(separator: ",") ?? "")
        }
      }
    }
  }

  private mutating func migrations() {
    for migration in expected["migrations"]?.array ?? [] {
      let tool = migration["tool"]?.string ?? ""
      let word = String(tool.prefix { $0 != " " })
      let config = String((migration["config"]?.string ?? "").prefix { $0 != " " })
      let grade = grade(migration)
      let schema = draft.schemas.first { $0.tool == word }
      let asked = isAsked(word)
      if word == "encore" {
        note(tool, "migrations", grade, said.contains("encore") ? .asked : .missed, tool)
        continue
      }
      let outcome: Verdict.Outcome =
        if let schema {
          schema.position == nil || grade == .guess ? (asked ? .asked : .found) : .found
        } else { asked ? .asked : .missed }
      // A tool shipit cannot run yet is found when its place is named, and asked about besides.
      let isFound = schema != nil && grade != .guess
      note(tool, "migrations", grade, isFound ? .found : outcome, tool, schema?.config ?? "")
      guard let schema, grade == .sure, !config.contains("drizzle.config") else { continue }
      let isRight = schema.config == config || schema.config.hasPrefix(config)
      note(tool, "migrations.config", grade, isRight ? .found : .missed, config, schema.config)
      if let today = migration["runs_today"]?.string?.lowercased() {
        note(
          tool, "migrations.place", grade, isPlace(schema, today) ? .found : .missed, today,
          schema.position ?? "nil")
      }
    }
  }

  private func isPlace(_ schema: DraftSchema, _ words: String) -> Bool {
    let places = Set(schema.places.map(\.place))
    if words.contains("pre-deploy") { return places.contains(.preDeploy) }
    if words.contains("start") { return places.contains(.start) }
    if words.contains("build") { return places.contains(.build) }
    if words.contains("ci ") || words.contains(".yml") { return places.contains(.workflow) }
    return true
  }

  private mutating func variables() {
    for (list, grade) in [("must", Verdict.Grade.sure), ("build_time", .likely)] {
      for (user, names) in (expected["variables"]?[list]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
        let service = service(named: user)
        let isGuess = expectedService(named: user).map { self.grade($0) } != .sure
        for name in names.array?.compactMap(\.string) ?? [] {
          let isFound = service?.variables.contains { $0.name == name } ?? false
          let key = service?.key ?? user
          let asked = isAsked(name) || isAsked("variables", key)
          note(
            user, "variable \(name)", isGuess ? .likely : grade,
            isFound ? .found : asked ? .asked : .missed, name)
        }
      }
    }
    for (file, names) in (expected["variables"]?["declared_in_examples"]?.object ?? [:]).sorted(by: {
      $0.key < $1.key
    }) {
      let found = Set(draft.examples[file] ?? [])
      let wanted = Set(names.array?.compactMap(\.string) ?? [])
      note(
        file, "names", .sure, wanted.isSubset(of: found) ? .found : .missed,
        wanted.subtracting(found).sorted().joined(separator: ","))
    }
    let secrets = Set(draft.workflows.flatMap(\.secrets))
    for name in expected["variables"]?["ci_secrets"]?.array?.compactMap(\.string) ?? [] {
      note("workflows", "secret \(name)", .likely, secrets.contains(name) ? .found : .missed, name)
    }
  }

  private mutating func dependencies() {
    for edge in expected["depends_on"]?.array ?? [] {
      guard let from = edge["from"]?.string, let to = edge["to"]?.string else { continue }
      let source = service(named: from)
      let target = service(named: to)?.key ?? to
      let isFound = source?.needs.contains { $0.value == target } ?? false
      note(
        from, "calls \(to)", .likely,
        isFound ? .found : isAsked(source?.key ?? from, target) ? .asked : .missed,
        edge["because"]?.string ?? "", source?.needs.map(\.value).joined(separator: ",") ?? "no service")
    }
    for name in expected["environments"]?.array?.compactMap(\.string) ?? [] where name != "production" {
      note("environments", name, .likely, said.contains(name) ? .asked : .missed, name)
    }
  }

  private mutating func workflows() {
    for workflow in expected["workflows"]?.array ?? [] {
      guard let path = workflow["path"]?.string else { continue }
      let found = draft.workflows.first { $0.file == path }
      note(path, "workflow", .sure, found == nil ? .missed : .found, path)
      guard let found, let replaceable = workflow["replaceable"]?.bool else { continue }
      note(
        path, "replaceable", .sure, found.isReplaceable == replaceable ? .found : .missed, "\(replaceable)",
        "\(found.isReplaceable) \(found.hosts.map(\.rawValue))")
    }
  }

  /// What the repository says is no service, and is written all the same.
  private func forbidden() -> [String] {
    let folders = (expected["not_services"]?.array ?? []).compactMap {
      $0.string?.split(separator: " ").first
    }
    return draft.written.map(\.home).filter { home in folders.contains { $0 == home } }
  }
}
