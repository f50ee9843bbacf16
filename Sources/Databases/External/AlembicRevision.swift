import Model

/// One script of Alembic, as its file says: nothing of it is executed.
struct AlembicRevision: Sendable, Hashable {
  var id: String
  /// Those it comes after; none: it is the first.
  var parents: [String]
  /// Relative to the project.
  var path: String
  var text: String

  /// - Returns: nil for a file that is no revision.
  init?(path: String, text: String) {
    // `revision = "ae10"` and `revision: str = 'ae10'`.
    guard let found = text.firstMatch(of: #/(?m)^revision\s*(?::[^=\n]+)?=\s*["']([^"'\n]+)["']/#) else {
      return nil
    }
    id = String(found.1)
    self.path = path
    self.text = text
    guard
      let down = text.firstMatch(
        of: #/(?m)^down_revision\s*(?::[^=\n]+)?=\s*(None|["'][^"'\n]+["']|[(\[][^)\]]*[)\]])/#)
    else {
      parents = []
      return
    }
    parents = down.1.matches(of: #/["']([^"']+)["']/#).map { String($0.1) }
  }

  /// For people.
  var name: String { path.split(separator: "/").last.map(String.init) ?? id }
}

/// The scripts of a directory as Alembic arranges them.
struct AlembicGraph: Sendable {
  private let revisions: [String: AlembicRevision]

  /// - Throws: `configuration` for two of one id, and for one whose parent is missing.
  init(_ all: [AlembicRevision]) throws(Failure) {
    var revisions: [String: AlembicRevision] = [:]
    for revision in all {
      if let other = revisions[revision.id] {
        throw Failure(
          .configuration, "\(other.path) and \(revision.path) are both revision \(revision.id)",
          place: revision.path,
          hint: "give one a new id, as alembic revision does")
      }
      revisions[revision.id] = revision
    }
    for revision in all {
      if let missing = revision.parents.first(where: { revisions[$0] == nil }) {
        throw Failure(
          .configuration, "\(revision.path) comes after \(missing), and no script has that id",
          place: revision.path,
          hint: "bring it back: git log --diff-filter=D -S \(missing) -- '*.py'")
      }
    }
    self.revisions = revisions
  }

  /// Those that nothing comes after.
  var heads: [String] {
    let parents = Set(revisions.values.flatMap(\.parents))
    return revisions.keys.filter { !parents.contains($0) }.sorted()
  }

  func contains(_ id: String) -> Bool { revisions[id] != nil }

  /// The ids and everything they come after.
  func ancestors(of ids: [String]) -> Set<String> {
    var seen: Set<String> = []
    var open = ids
    while let id = open.popLast() {
      guard seen.insert(id).inserted, let revision = revisions[id] else { continue }
      open += revision.parents
    }
    return seen
  }

  /// What is not applied, each after its parents.
  /// - Parameter applied: the heads of what is applied.
  func pending(after applied: [String]) -> [AlembicRevision] {
    let done = ancestors(of: applied)
    var rest = revisions.values.filter { !done.contains($0.id) }.sorted { $0.id < $1.id }
    var placed = done
    var order: [AlembicRevision] = []
    while let index = rest.firstIndex(where: { $0.parents.allSatisfy { placed.contains($0) } }) {
      let next = rest.remove(at: index)
      placed.insert(next.id)
      order.append(next)
    }
    return order
  }
}
