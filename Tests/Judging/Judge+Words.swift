import Adoption
import JSON

extension Judge {
  /// Ambiguities are sentences. One is raised when what it is about is named to a person.
  func ambiguities() -> (raised: Int, all: Int, silent: [String]) {
    let all = expected["ambiguous"]?.array ?? []
    let silent = all.filter { !isRaised($0) }.map { $0["about"]?.string ?? "" }
    return (all.count - silent.count, all.count, silent)
  }

  private func isRaised(_ ambiguity: JSON) -> Bool {
    let about = (ambiguity["about"]?.string ?? "").lowercased()
    let small: Set<String> = [
      "the", "and", "with", "root", "same", "service", "services", "for", "does", "the", "know", "not",
      "several", "names", "many", "address", "file", "files", "its", "one", "two", "three", "share", "inside",
    ]
    let words = about.split { !($0.isLetter || $0.isNumber || "._-/".contains($0)) }.map(String.init)
      .map { word in word.hasSuffix(".") ? String(word.dropLast()) : word }
      .filter { $0.count > 3 && !small.contains($0) }
    // Names of files and variables count by themselves; of plain words, most have to be there.
    let telling = words.filter { $0.contains(".") || $0.contains("_") || $0.contains("/") }
    if telling.contains(where: said.contains) { return true }
    let plain = words.filter { !telling.contains($0) }
    guard !plain.isEmpty else { return telling.isEmpty }
    let hits = plain.filter { word in said.contains(word.hasSuffix("s") ? String(word.dropLast()) : word) }
    return hits.count * 2 >= plain.count
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
