/// Events to nodes: anchors, merge keys, duplicate keys and the limits.
struct Composer {
  private let parser: EventParser
  private let limits: Limits
  private var anchors: [String: Node] = [:]
  /// Anchors whose node is not complete: an alias to one of them would contain itself.
  private var open: Set<String> = []
  private(set) var problems: [Problem] = []
  /// Of everything composed so far, so that many medium bombs are one big one.
  private var weight = 0

  init(parser: EventParser, limits: Limits) {
    self.parser = parser
    self.limits = limits
  }

  /// The only document of the stream; nil when there is none.
  mutating func document() throws(Problem) -> Node? {
    var root: Node?
    var documents = 0
    while true {
      switch try parser.next() {
      case .streamStart, .documentEnd: continue
      case .streamEnd: return root
      case .documentStart(let mark):
        documents += 1
        guard documents == 1 else {
          throw Problem(
            .severalDocuments, "a second document begins here", at: mark,
            help: "one file holds one document; remove the `---`")
        }
      case let event: root = try node(event, depth: 1)
      }
    }
  }

  private mutating func node(_ event: Event, depth: Int) throws(Problem) -> Node {
    switch event {
    case .alias(let name, let mark): return try alias(name, at: mark, depth: depth)
    case .scalar(let scalar, let anchor, let tag, let mark):
      try check(tag: tag, at: mark)
      return try finish(.scalar(scalar), mark, anchor: anchor, depth: depth)
    case .sequenceStart(let anchor, let tag, let flow, let mark):
      try enter(anchor, tag, depth, mark)
      var nodes: [Node] = []
      while true {
        let event = try parser.next()
        if case .collectionEnd(let end) = event {
          let span = mark.extended(to: flow ? end : nodes.last?.mark ?? mark)
          return try finish(.sequence(nodes), span, anchor: anchor, depth: depth)
        }
        nodes.append(try node(event, depth: depth + 1))
      }
    case .mappingStart(let anchor, let tag, let flow, let mark):
      try enter(anchor, tag, depth, mark)
      let (mapping, last) = try entries(depth: depth)
      let span = mark.extended(to: flow ? last.end : last.value ?? mark)
      return try finish(.mapping(mapping), span, anchor: anchor, depth: depth)
    case .streamStart, .streamEnd, .documentStart, .documentEnd, .collectionEnd:
      // libyaml's grammar never places these where a node begins.
      return Node(
        .scalar(Scalar(text: "", style: .plain)), mark: Mark(file: "", line: 1, column: 1))
    }
  }

  private mutating func entries(
    depth: Int
  ) throws(Problem) -> (mapping: Mapping, last: (value: Mark?, end: Mark)) {
    var own: [Mapping.Entry] = []
    var seen: [String: Mark] = [:]
    var merged: [Mapping.Entry] = []
    var last: Mark?
    while true {
      let event = try parser.next()
      if case .collectionEnd(let end) = event { return (Mapping(own + merged), (last, end)) }
      let key = try node(event, depth: depth + 1)
      let value = try node(try parser.next(), depth: depth + 1)
      last = value.mark
      guard let scalar = key.scalar else {
        problems.append(
          Problem(
            .unsupported, "a key must be text, not \(key.isSequence ? "a list" : "a mapping")", at: key.mark))
        continue
      }
      if scalar.text == "<<" && scalar.style == .plain {
        merged += try self.merged(value)
        continue
      }
      if let first = seen[scalar.text] {
        problems.append(
          Problem(
            .duplicateKey, "`\(scalar.text)` stands here twice", at: key.mark, help: "remove one of them",
            related: .init(mark: first, message: "first here")))
        continue
      }
      seen[scalar.text] = key.mark
      own.append(Mapping.Entry(key: scalar.text, keyMark: key.mark, value: value))
    }
  }

  /// The entries `<<` brings in; of several mappings the earlier wins.
  private mutating func merged(_ value: Node) throws(Problem) -> [Mapping.Entry] {
    let sources = value.sequence ?? [value]
    var entries: [Mapping.Entry] = []
    for source in sources {
      guard let mapping = source.mapping else {
        problems.append(
          Problem(
            .unsupported, "`<<` merges mappings only", at: source.mark,
            help: "write `<<: *NAME`, where `&NAME` marks a mapping"))
        continue
      }
      entries += mapping.entries
    }
    return entries
  }

  private mutating func alias(_ name: String, at mark: Mark, depth: Int) throws(Problem) -> Node {
    guard !open.contains(name) else {
      throw Problem(
        .aliasBomb, "`*\(name)` stands inside what `&\(name)` marks: it would contain itself", at: mark)
    }
    guard var node = anchors[name] else {
      let near = anchors.keys.sorted().map { "*\($0)" }.joined(separator: ", ")
      throw Problem(
        .unknownAlias, "`*\(name)` refers to an anchor that is not set above", at: mark,
        help: near.isEmpty
          ? "mark the value with `&\(name)` first, or quote the text" : "the anchors above are \(near)")
    }
    try charge(node.weight, at: mark)
    guard depth + node.height - 1 <= limits.depth else { throw tooDeep(mark) }
    if node.scalar != nil { node.mark = mark }
    return node
  }

  private mutating func enter(
    _ anchor: String?, _ tag: String?, _ depth: Int, _ mark: Mark
  ) throws(Problem) {
    try check(tag: tag, at: mark)
    guard depth < limits.depth else { throw tooDeep(mark) }
    if let anchor { open.insert(anchor) }
  }

  private mutating func finish(
    _ content: Node.Content, _ mark: Mark, anchor: String?, depth: Int
  ) throws(Problem) -> Node {
    let node = Node(content, mark: mark)
    try charge(1, at: mark)
    if let anchor {
      open.remove(anchor)
      anchors[anchor] = node
    }
    guard node.weight <= limits.weight else { throw tooHeavy(mark) }
    return node
  }

  private mutating func charge(_ amount: Int, at mark: Mark) throws(Problem) {
    weight = Node.sum(weight, amount)
    guard weight <= limits.weight else { throw tooHeavy(mark) }
  }

  private func tooHeavy(_ mark: Mark) -> Problem {
    Problem(
      .aliasBomb, "with its aliases expanded the file has more than \(limits.weight) values", at: mark,
      help: "write the values out, or use fewer aliases of aliases")
  }

  private func tooDeep(_ mark: Mark) -> Problem {
    Problem(.tooDeep, "the file nests more than \(limits.depth) levels", at: mark)
  }

  private func check(tag: String?, at mark: Mark) throws(Problem) {
    guard let tag, tag != "!", !tag.hasPrefix("tag:yaml.org,2002:") else { return }
    throw Problem(.unsupported, "the tag `\(tag)` means nothing here", at: mark, help: "remove the tag")
  }
}

extension Node {
  fileprivate var isSequence: Bool { sequence != nil }
}
