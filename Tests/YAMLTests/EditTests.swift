import Testing
import YAML

/// Values that are changed within a text, and everything else that stays as it is.
@Suite struct `Editing YAML` {
  private let text = """
    # a product
    services:
      api:   # the first
        settings: {start: "./run", replicas: 1}  # two soon
        variables:
          A: one # first

          B: two
        domains: [a.example.com]
      web:
        domains:
          # ours
          - b.example.com
          - c.example.com
        notes: |
          several
          lines
    empty:
    """

  private func edited(_ change: (inout Edit) throws -> Void) throws -> String {
    var edit = Edit(text)
    try change(&edit)
    return edit.text
  }

  private func expect(
    _ old: String, becomes new: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (inout Edit) throws -> Void
  ) throws {
    let wanted = text.replacing(old, with: new, maxReplacements: 1)
    #expect(wanted != text)
    #expect(try edited(change) == wanted, sourceLocation: sourceLocation)
    #expect(read(wanted).problems.isEmpty, sourceLocation: sourceLocation)
  }

  @Test func `a value is replaced where it stands`() throws {
    try expect("replicas: 1}", becomes: "replicas: 3}") {
      try $0.set(["services", "api", "settings", "replicas"], to: "3")
    }
    try expect("A: one # first", becomes: "A: \"o # n\" # first") {
      try $0.set(["services", "api", "variables", "A"], to: Edit.scalar("o # n"))
    }
    try expect("empty:", becomes: "empty: {a: {b: 1}}") { try $0.set(["empty", "a", "b"], to: "1") }
    try expect("domains: [a.example.com]", becomes: "domains: [x]") {
      try $0.set(["services", "api", "domains"], to: "[x]")
    }
  }

  @Test func `what is missing is made beside its kind`() throws {
    try expect("replicas: 1}", becomes: "replicas: 1, sleep: true}") {
      try $0.set(["services", "api", "settings", "sleep"], to: "true")
    }
    try expect("      B: two\n", becomes: "      B: two\n      C: three\n") {
      try $0.set(["services", "api", "variables", "C"], to: "three")
    }
    try expect("      lines\n", becomes: "      lines\n    settings: {replicas: 2}\n") {
      try $0.set(["services", "web", "settings", "replicas"], to: "2")
    }
    #expect(try edited { try $0.set(["more", "a"], to: "1") } == text + "\nmore: {a: 1}\n")
  }

  @Test func `what is removed leaves its neighbours alone`() throws {
    try expect("start: \"./run\", replicas: 1}", becomes: "start: \"./run\"}") {
      try $0.remove(["services", "api", "settings", "replicas"])
    }
    try expect("start: \"./run\", replicas: 1}", becomes: "replicas: 1}") {
      try $0.remove(["services", "api", "settings", "start"])
    }
    try expect("      B: two\n", becomes: "") { try $0.remove(["services", "api", "variables", "B"]) }
    try expect("      lines\n", becomes: "      lines\n    variables: {A: null}\n") {
      try $0.remove(["services", "web", "variables", "A"])
    }
  }

  @Test func `lists gain and lose items`() throws {
    try expect("[a.example.com]", becomes: "[a.example.com, d.example.com]") { edit in
      let done = try edit.append("d.example.com", to: ["services", "api", "domains"])
      #expect(done)
    }
    try expect("      - c.example.com\n", becomes: "      - c.example.com\n      - d.example.com\n") { edit in
      let done = try edit.append("d.example.com", to: ["services", "web", "domains"])
      #expect(done)
    }
    try expect("      - b.example.com\n", becomes: "") { edit in
      let done = try edit.remove("b.example.com", from: ["services", "web", "domains"])
      #expect(done)
    }
    try expect("[a.example.com]", becomes: "[]") { edit in
      let done = try edit.remove("a.example.com", from: ["services", "api", "domains"])
      #expect(done)
    }
    var edit = Edit(text)
    let done = try edit.append("x", to: ["services", "api", "nothing"])
    #expect(!done && edit.text == text)
  }

  @Test func `what others use too, or stands on several lines, is left alone`() throws {
    #expect(throws: EditTrouble.self) { try edited { try $0.set(["services", "web", "notes"], to: "x") } }
    #expect(throws: EditTrouble.self) { try edited { try $0.set(["services", "web"], to: "x") } }
    var shared = Edit("a: &a {b: 1}\nc:\n  <<: *a\n")
    #expect(throws: EditTrouble.self) { try shared.set(["c", "b"], to: "2") }
    #expect(shared.text == "a: &a {b: 1}\nc:\n  <<: *a\n")
  }

  @Test(arguments: [
    "plain", "a b", "1", "true", "", " x", "a: b", "a, b", "it's", "say \"x\"\n\tö", "#x", "${a}", "x:",
  ])
  func `a text is read back as that text`(_ value: String) throws {
    let document = read("k: \(Edit.scalar(value))\nl: {k: \(Edit.scalar(value))}\n")
    #expect(document.problems.isEmpty)
    for node in [
      document.root?.mapping?["k"]?.value, document.root?.mapping?["l"]?.value.mapping?["k"]?.value,
    ] {
      #expect(node?.scalar?.text == value && node?.scalar?.value == .text)
    }
  }
}
