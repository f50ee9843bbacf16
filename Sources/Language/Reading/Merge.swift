import YAML

/// A file over its base: mappings merge key by key, lists and single values replace, null removes.
struct Merge {
  /// Nulls that removed nothing, with the path of each.
  private(set) var idle: [(path: String, mark: Mark)] = []

  /// The values of `over`, and of `base` where `over` says nothing.
  mutating func merge(_ over: Node, onto base: Node, path: String = "") -> Node {
    guard let upper = over.mapping, let lower = base.mapping else { return over }
    var entries: [Mapping.Entry] = []
    for entry in lower.entries {
      guard let replacement = upper[entry.key] else {
        entries.append(entry)
        continue
      }
      if replacement.value.isNull { continue }
      let below = path.isEmpty ? entry.key : "\(path).\(entry.key)"
      entries.append(
        Mapping.Entry(
          key: entry.key, keyMark: replacement.keyMark,
          value: merge(replacement.value, onto: entry.value, path: below)))
    }
    for entry in upper.entries where lower[entry.key] == nil {
      if entry.value.isNull {
        idle.append((path.isEmpty ? entry.key : "\(path).\(entry.key)", entry.keyMark))
      } else {
        entries.append(entry)
      }
    }
    return Node(.mapping(Mapping(entries)), mark: over.mark)
  }
}
