import Adoption
import JSON

extension Judge {
  /// Ambiguities are sentences. One is raised when what it is about is named to a person.
  func ambiguities() -> (raised: Int, all: Int, silent: [String]) {
    let all = expected["ambiguous"]?.array ?? []
    let items = items
    let silent = all.filter { !Judge.isRaised($0, by: items) }.map { $0["about"]?.string ?? "" }
    return (all.count - silent.count, all.count, silent)
  }

  /// One thing that a person is told has to be about it: a question, a danger, a remark, what becomes of a service.
  private static func isRaised(_ ambiguity: JSON, by items: [String]) -> Bool {
    let about = (ambiguity["about"]?.string ?? "").lowercased()
    return items.contains { Judge.isAbout(about, $0) }
  }

  /// What a person is told, one by one, in lower case.
  private var items: [String] {
    var items = draft.questions.map { question in
      ([question.text] + question.subjects + question.evidence.map(\.description)).joined(separator: " ")
    }
    items += draft.dangers.map { danger in
      "\(danger.message) \(danger.kind.rawValue) \(danger.evidence) \(danger.others.map(\.description).joined(separator: " "))"
    }
    items += draft.remarks.map { "\($0.value) \($0.evidence)" }
    items += draft.services.flatMap { service in
      [EnvironmentText.outcome(service)]
        + service.leftovers.map { "\(service.key) \($0.value) \($0.evidence)" }
        + service.variables.compactMap { variable in
          variable.note.map { "\(service.key) \(variable.name) \($0) \(variable.evidence)" }
        }
        + service.settings.values.compactMap { fact in
          fact.note.map { "\(service.key) \(fact.value) \($0) \(fact.evidence)" }
        }
    }
    return items.map { $0.lowercased() }
  }

  private static func isAbout(_ about: String, _ item: String) -> Bool {
    let small: Set<String> = [
      "the", "and", "with", "root", "same", "service", "services", "for", "does", "the", "know", "not",
      "several", "names", "many", "address", "file", "files", "its", "one", "two", "three", "share", "inside",
    ]
    let words = about.split { !($0.isLetter || $0.isNumber || "._-/".contains($0)) }.map(String.init)
      .map { word in word.hasSuffix(".") ? String(word.dropLast()) : word }
      .filter { $0.count > 3 && !small.contains($0) }
    // Names of files and variables have to be there; of plain words, most.
    let telling = words.filter { $0.contains(".") || $0.contains("_") || $0.contains("/") }
    if !telling.isEmpty, telling.contains(where: item.contains) == false { return false }
    let plain = words.filter { !telling.contains($0) }
    guard !plain.isEmpty else { return true }
    let hits = plain.filter { word in item.contains(word.hasSuffix("s") ? String(word.dropLast()) : word) }
    return hits.count * 2 >= plain.count || !telling.isEmpty && telling.allSatisfy(item.contains)
  }

  /// Problems of workflows are sentences too; words in them tell the kind of danger.
  func problems() -> (reported: Int, all: Int, silent: [String]) {
    var all = 0
    var silent: [String] = []
    for workflow in expected["workflows"]?.array ?? [] {
      guard let path = workflow["path"]?.string else { continue }
      let kinds = Set(
        draft.dangers.filter { danger in
          danger.evidence.file == path || danger.others.contains { $0.file == path }
        }.map(\.kind))
      for problem in workflow["problems"]?.array?.compactMap(\.string) ?? [] {
        guard let wanted = Judge.kinds(problem) else { continue }
        all += 1
        if kinds.isDisjoint(with: wanted) { silent.append("\(path): \(problem)") }
      }
    }
    return (all - silent.count, all, silent)
  }

  /// Nil for a problem that no rule of adoption is about.
  private static func kinds(_ problem: String) -> Set<DangerKind>? {
    let text = problem.lowercased()
    let table: [([String], Set<DangerKind>)] = [
      (["detached uploads"], [.detachedUpload]), (["--detach, then"], [.staleHealth]),
      (["no health check"], [.noHealth]), (["only prints", "skipped with success"], [.deafHealth]),
      (["command-line argument"], [.tokenInArguments]), (["link with a project token"], [.tokenKind]),
      (["railway deploy installs"], [.unknownCommand]), (["pull requests too"], [.pullRequestDeploys]),
      (["drop columns"], [.schemaPush]),
      (["no order", "not ordered", "does not wait", "parallel"], [.noOrder]),
      (["concurrency group"], [.noConcurrency]), (["no rollback"], [.noRollback]),
      (["continue on error"], [.swallowedFailure]), (["main branch"], [.movingAction]),
      (["second deployment target", "second production"], [.twoDeployers]),
      (["cancel-in-progress"], [.cancelledDeploy]), (["one commit only"], [.shallowHistory]),
      (["swapped in the working tree"], [.swappedConfig]), (["tag latest"], [.movingTag]),
      (["written into the file"], [.writtenIdentifier]),
    ]
    return table.first { words, _ in words.contains(where: text.contains) }?.1
  }
}
