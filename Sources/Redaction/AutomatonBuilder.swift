/// Collects forms in a tree of bytes and turns it into an `Automaton`.
struct AutomatonBuilder {
  private struct Node {
    var byte: UInt8
    var depth: Int32
    var firstChild: Int32 = -1
    var nextSibling: Int32 = -1
    var fallback: Int32 = 0
    var match: Automaton.Match?
  }

  private var nodes = [Node(byte: 0, depth: 0)]
  /// Down to this depth every state has a full row.
  private static let fullDepth = 2

  /// Adds a form of the secret with that number. The first secret keeps a form that two share.
  mutating func add(_ form: SecretForm, secret: Int) {
    var place = 0
    for byte in form.bytes {
      place = child(of: place, byte) ?? append(byte, below: place)
    }
    guard place != 0 else { return }
    var match =
      nodes[place].match
      ?? Automaton.Match(length: Int32(form.bytes.count), secret: Int32(secret), reachesBack: false)
    match.reachesBack = match.reachesBack || form.reachesBack
    nodes[place].match = match
  }

  private func child(of node: Int, _ byte: UInt8) -> Int? {
    var child = nodes[node].firstChild
    while child >= 0 {
      if nodes[Int(child)].byte == byte { return Int(child) }
      child = nodes[Int(child)].nextSibling
    }
    return nil
  }

  private mutating func append(_ byte: UInt8, below node: Int) -> Int {
    var new = Node(byte: byte, depth: nodes[node].depth + 1)
    new.nextSibling = nodes[node].firstChild
    nodes[node].firstChild = Int32(nodes.count)
    nodes.append(new)
    return nodes.count - 1
  }

  private func children(_ node: Int) -> [Int] {
    var children: [Int] = []
    var child = nodes[node].firstChild
    while child >= 0 {
      children.append(Int(child))
      child = nodes[Int(child)].nextSibling
    }
    return children
  }

  /// The nodes by depth; each gets its fallback, the longest proper ending that is a node too.
  private mutating func linkFallbacks() -> [Int] {
    var order = [0]
    var index = 0
    while index < order.count {
      let node = order[index]
      index += 1
      for child in children(node) {
        order.append(child)
        guard node != 0 else { continue }
        var fallback = Int(nodes[node].fallback)
        while true {
          if let found = self.child(of: fallback, nodes[child].byte) {
            nodes[child].fallback = Int32(found)
            break
          }
          if fallback == 0 { break }
          fallback = Int(nodes[fallback].fallback)
        }
        // A shorter form that ends here too counts when no longer one does.
        if nodes[child].match == nil { nodes[child].match = nodes[Int(nodes[child].fallback)].match }
      }
    }
    return order
  }

  func build() -> Automaton {
    var builder = self
    let order = builder.linkFallbacks()
    return AutomatonAssembly(builder, order).automaton()
  }

  /// Numbers the states, those with full rows first, and fills their transitions.
  private struct AutomatonAssembly {
    let nodes: [Node]
    /// By depth.
    let order: [Int]
    let full: [Int]
    let linked: [Int]
    var states: [Automaton.State]
    var classes = [UInt8](repeating: 0, count: 256)
    var classCount = 1

    init(_ builder: AutomatonBuilder, _ order: [Int]) {
      nodes = builder.nodes
      self.order = order
      let nodes = nodes
      func isFull(_ node: Int) -> Bool {
        let first = nodes[node].firstChild
        return nodes[node].depth <= fullDepth || first >= 0 && nodes[Int(first)].nextSibling >= 0
      }
      full = order.filter(isFull)
      linked = order.filter { !isFull($0) }
      states = [Automaton.State](repeating: 0, count: nodes.count)
      for (number, node) in (full + linked).enumerated() {
        states[node] = Int32(number) << 1 | (nodes[node].match == nil ? 0 : 1)
      }
      for node in nodes.dropFirst() where classes[Int(node.byte)] == 0 {
        // Forms are UTF-8, in which not all 256 bytes occur: the classes fit.
        classes[Int(node.byte)] = UInt8(classCount)
        classCount += 1
      }
    }

    func automaton() -> Automaton {
      let numbered = full + linked
      return Automaton(
        classes: classes, classCount: classCount, rows: rows(), rowCount: full.count, links: links(),
        matches: numbered.map { nodes[$0].match }, held: held())
    }

    private func held() -> [Int32] {
      var held = [Int32](repeating: 0, count: nodes.count)
      for node in order where node != 0 {
        // Where no form goes on, only one that began later can still be completed.
        held[Int(states[node] >> 1)] =
          nodes[node].firstChild < 0
          ? held[Int(states[Int(nodes[node].fallback)] >> 1)]
          : nodes[node].depth
      }
      return held
    }

    private func links() -> [Automaton.Link] {
      linked.map { node in
        let child = Int(nodes[node].firstChild)
        return Automaton.Link(
          expected: child < 0 ? -1 : Int32(classes[Int(nodes[child].byte)]),
          next: child < 0 ? 0 : states[child], otherwise: states[Int(nodes[node].fallback)])
      }
    }

    /// Rows are filled by depth: what a state lacks it takes from its fallback, which has been done.
    private func rows() -> [Automaton.State] {
      var rows = [Automaton.State](repeating: 0, count: full.count * classCount)
      for (number, node) in full.enumerated() {
        let base = number * classCount
        if node != 0 {
          for byteClass in 0..<classCount {
            rows[base + byteClass] = step(Int(nodes[node].fallback), byteClass, rows)
          }
        }
        var child = Int(nodes[node].firstChild)
        while child >= 0 {
          rows[base + Int(classes[Int(nodes[child].byte)])] = states[child]
          child = Int(nodes[child].nextSibling)
        }
      }
      return rows
    }

    private func step(_ node: Int, _ byteClass: Int, _ rows: [Automaton.State]) -> Automaton.State {
      var node = node
      while true {
        let number = Int(states[node] >> 1)
        if number < full.count { return rows[number * classCount + byteClass] }
        let child = Int(nodes[node].firstChild)
        if child >= 0, Int(classes[Int(nodes[child].byte)]) == byteClass { return states[child] }
        node = Int(nodes[node].fallback)
      }
    }
  }
}
