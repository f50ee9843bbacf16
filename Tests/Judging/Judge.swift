package import Adoption
import JSON
import Language
import Model

/// Compares what adoption makes of a repository with what is expected of it, field by field.
package struct Judge {
  let expected: JSON
  let draft: Draft
  /// The file that would be written, read back; nil where none is.
  let written: Model.Environment?
  /// The repository, to see whether evidence stands where it is said to.
  let tree: FileTree
  var verdicts: [Verdict] = []
  var matched: Set<String> = []

  package static func judge(_ example: Corpus.Case) -> Judgement {
    let findings = Survey.findings(example.tree)
    return judge(Joiner.draft(findings, of: example.tree), example)
  }

  package static func judge(_ draft: Draft, _ example: Corpus.Case) -> Judgement {
    var judge = Judge(
      expected: example.expected, draft: draft, written: Judge.written(draft), tree: example.tree)
    judge.services()
    judge.needs()
    judge.migrations()
    judge.variables()
    judge.dependencies()
    judge.workflows()
    let invented = draft.written.map(\.key).filter { !judge.matched.contains($0) } + judge.forbidden()
    return Judgement(
      repository: example.repository, verdicts: judge.verdicts, inventedServices: invented,
      written: draft.written.count,
      isValid: EnvironmentText.text(draft).map { _ in judge.written != nil },
      ambiguities: judge.ambiguities(), problems: judge.problems())
  }

  private static func written(_ draft: Draft) -> Model.Environment? {
    guard let text = EnvironmentText.text(draft) else { return nil }
    let file = "environments/\(draft.environment).yaml"
    return EnvironmentReader(root: "", files: WrittenFile(path: file, text: text)).read(
      name: draft.environment
    )
    .environment
  }

  /// Whether there is such a line: a fact counts only with its place.
  func stands(_ evidence: Evidence?) -> Bool {
    guard let evidence, tree.has(evidence.file) else { return false }
    guard evidence.line > 0, let text = tree.text(evidence.file) else { return true }
    return evidence.line <= text.utf8.count(where: { $0 == 0x0A }) + 1
  }

  /// A service as the file has it; nil where it stands behind `#`, or nowhere.
  func entry(_ service: DraftService?) -> Service? {
    guard let service else { return nil }
    return written?.services.first { $0.key.rawValue == service.key }
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

  /// Whether one question is about all of these, and says where it comes from.
  func isAsked(_ subjects: String...) -> Bool {
    draft.questions.contains { question in subjects.allSatisfy(question.subjects.contains) }
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
        let isProven = store.map { !$0.evidence.isEmpty && $0.evidence.allSatisfy(stands) } ?? false
        let outcome: Verdict.Outcome =
          if let store, store.certainty == .guess, asked { .asked } else if isProven {
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
        note(tool, "migrations", grade, isAsked("encore", "migrations") ? .asked : .missed, tool)
        continue
      }
      // What shipit carries stands in the file with its tool, folder and place; the rest is asked about.
      let isCarried = written?.databases.contains { database in
        database.migrations.map { $0.tool.rawValue == word && stands($0, schema) } ?? false
      }
      let isFound =
        schema != nil && grade != .guess && (isCarried == true || stands(schema.map { Evidence($0.config) }))
      // Of a service that stands behind `#` it stands there too.
      let owner = draft.services.first { $0.key == schema?.service }
      let isDecided =
        isCarried == true || asked || (owner != nil && entry(owner) == nil && schema?.position != nil)
      note(
        tool, "migrations", grade,
        isFound && isDecided ? .found : asked ? .asked : .missed, tool, schema?.config ?? "")
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

  private func stands(_ migrations: Migrations, _ schema: DraftSchema?) -> Bool {
    guard let schema, let position = schema.position else { return false }
    let folder =
      migrations.directory.hasPrefix("./") ? String(migrations.directory.dropFirst(2)) : migrations.directory
    return (folder == "." ? "" : folder) == schema.folder && migrations.runs.rawValue == position
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
          let variable = service?.variables.first { $0.name == name }
          // In the file, a key of `variables`; a name in a comment is none.
          let isKept = entry(service).map { $0.variables[name] != nil } ?? (variable?.isWritten ?? false)
          let key = service?.key ?? user
          let asked = isAsked(name, key) || isAsked("variables", key)
          note(
            user, "variable \(name)", isGuess ? .likely : grade,
            isKept && stands(variable?.evidence) ? .found : asked ? .asked : .missed, name,
            variable.map { "\($0.value) \($0.evidence) \($0.note ?? "")" } ?? "no such name")
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
      let need = source?.needs.first { $0.value == target }
      let isBoth = [source, service(named: to)].allSatisfy { entry($0) != nil }
      let isKept = isBoth ? entry(source)?.needs.contains(target) ?? false : need != nil
      let isFound = isKept && stands(need?.evidence)
      note(
        from, "calls \(to)", .likely,
        isFound ? .found : isAsked(source?.key ?? from, target) ? .asked : .missed,
        edge["because"]?.string ?? "", source?.needs.map(\.value).joined(separator: ",") ?? "no service")
    }
    for name in expected["environments"]?.array?.compactMap(\.string) ?? [] where name != "production" {
      note("environments", name, .likely, stands(draft.others[name]) ? .found : .missed, name)
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

/// The file that would be written, in memory.
private struct WrittenFile: FileSource {
  var path: String
  var text: String

  func read(_ path: String) throws -> [UInt8] {
    guard path == self.path else { throw FileFailure(reason: "there is no such file") }
    return Array(text.utf8)
  }

  func names(in directory: String) throws -> [String] {
    directory == "environments" ? [String(path.dropFirst(directory.count + 1))] : []
  }
}
