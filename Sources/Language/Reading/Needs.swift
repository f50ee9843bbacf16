import Model
import YAML

/// The order `needs:` asks for: every name must exist, and no circle may be in it.
struct Needs {
  private struct Edge {
    var to: String
    var mark: Mark
    var path: String
  }

  /// Every name that can be needed, in the order of the file, with what it needs itself.
  private var names: [String] = []
  private var edges: [String: [Edge]] = [:]

  init(fields: Fields) {
    for entry in fields["services"]?.map ?? [] {
      add(entry.key, Needs.edges(entry.value.fields?["needs"]))
    }
    for element in fields["run"]?.list ?? [] {
      guard let name = element.fields?["name"]?.text else { continue }
      add(name, Needs.edges(element.fields?["needs"]))
    }
    for entry in fields["databases"]?.map ?? [] {
      guard let database = entry.value.fields else { continue }
      if database.has("migrations") {
        add("\(entry.key).migrations", Needs.edges(database["migrations"]?.fields?["needs"]))
      }
      if database.has("scripts") {
        let own = database["scripts"]?.list.flatMap { Needs.edges($0.fields?["needs"]) } ?? []
        add(
          "\(entry.key).scripts", own.map { Edge(to: "\(entry.key).\($0.to)", mark: $0.mark, path: $0.path) })
      }
    }
  }

  private mutating func add(_ name: String, _ needs: [Edge]) {
    if edges[name] == nil { names.append(name) }
    edges[name, default: []] += needs
  }

  private static func edges(_ placed: Placed?) -> [Edge] {
    placed?.list.flatMap { need -> [Edge] in
      if let name = need.text { return [Edge(to: name, mark: need.mark, path: need.path)] }
      return need.map.map { Edge(to: $0.key, mark: $0.mark, path: need.path) }
    } ?? []
  }

  func check(_ reading: inout Reading) {
    for name in names {
      for edge in edges[name] ?? [] where edges[edge.to] == nil {
        let near = Suggestion.nearest(to: edge.to, among: names.filter { $0 != name })
        let others = names.filter { $0 != name }
        reading.error(
          .unknownNeed, "nothing is called `\(edge.to)`", at: edge.mark, path: edge.path,
          help: near.map { "did you mean `\($0)`?" }
            ?? (others.isEmpty
              ? "there is nothing else to need"
              : "what can be needed: \(others.map { "`\($0)`" }.joined(separator: ", "))"))
      }
    }
    var done: Set<String> = []
    for name in names { search(name, &done, &reading) }
  }

  /// Depth first; a circle is reported once, at the edge that closes it. The stack is explicit because files
  /// may hold long chains.
  private func search(_ start: String, _ done: inout Set<String>, _ reading: inout Reading) {
    var stack: [(name: String, next: Int)] = [(start, 0)]
    var open: [String: Int] = [start: 0]
    while let top = stack.last {
      let needs = done.contains(top.name) ? [] : edges[top.name] ?? []
      guard top.next < needs.count else {
        done.insert(top.name)
        open[top.name] = nil
        stack.removeLast()
        continue
      }
      stack[stack.count - 1].next += 1
      let edge = needs[top.next]
      if let position = open[edge.to] {
        let circle = stack[position...].map(\.name) + [edge.to]
        reading.error(
          .cycle,
          circle.count == 2
            ? "`\(edge.to)` needs itself" : "these need each other: \(circle.joined(separator: " → "))",
          at: edge.mark, path: edge.path, help: "remove one of the needs")
      } else if edges[edge.to] != nil, !done.contains(edge.to) {
        open[edge.to] = stack.count
        stack.append((edge.to, 0))
      }
    }
  }
}
