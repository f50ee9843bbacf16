import Foundation
import JSON
import Testing
import YAML

@testable import Language

/// Builds documents from the declaration.
private struct Sample {
  /// The least that is valid, with the key at a path in it.
  static func value(_ shape: Shape, _ path: ArraySlice<String> = []) -> JSON {
    switch shape {
    case .object(let object): return .object(members(object, path))
    case .list(let element, let minimum):
      return path.isEmpty && minimum == 0 ? [] : [value(element, path)]
    case .map(let rule, let element):
      let name = ["api", "API", "10", "a.b"].first { rule.mistake(in: $0) == nil }
      return path.isEmpty ? [:] : .object([name ?? "": value(element, path)])
    case .either(let shapes):
      let fitting = shapes.first { shape in
        path.first.map { name in shape.objects.contains { $0.key(name) != nil } } ?? true
      }
      return fitting.map { value($0, path) } ?? .null
    case .secret: return ["secret": "NAME"]
    case .word(let words): return .string(words.first?.text ?? "")
    case .bool: return true
    case .int(let range): return .int(Int64(range.lowerBound))
    case .number: return 1
    case .duration: return "1h"
    case .size: return "1GB"
    case .template: return "text"
    case .any: return true
    case .text(let rule):
      let samples = [
        "text", "./path", "/path", "https://example.com", "NAME", "acme/api", "mon 10:00", "base.yaml",
      ]
      return .string(samples.first { rule.mistake(in: $0) == nil } ?? "")
    }
  }

  static func members(_ object: ObjectShape, _ path: ArraySlice<String>) -> [String: JSON] {
    var names = Set(object.keys.filter(\.isRequired).map(\.name))
    if let name = path.first { names.insert(name) }
    for name in names { if let partner = object.onlyWith[name] { names.insert(partner) } }
    if names.isDisjoint(with: object.atLeastOne), let first = object.atLeastOne.first { names.insert(first) }
    if names.isDisjoint(with: object.exactlyOne), let first = object.exactlyOne.first { names.insert(first) }
    var members: [String: JSON] = [:]
    for key in object.keys where names.contains(key.name) {
      if key.name == path.first, path.count > 1 {
        members[key.name] = value(key.shape, path.dropFirst())
      } else {
        members[key.name] = (key.example ?? key.standard).map(parsed) ?? value(key.shape)
      }
    }
    return members
  }

  static func parsed(_ text: String) -> JSON {
    Document(bytes: Array(text.utf8), name: "").root?.json ?? .null
  }

  /// A whole file with the key at a path in it.
  static func file(_ entry: Grammar.Entry) -> JSON {
    let path = entry.path.split(separator: ".").map(String.init)
    var file = members(Grammar.environment, path[...])
    let platforms = entry.key.platforms ?? ["railway", "vercel", "encore"]
    if path.first == "services", case .object(var services) = file["services"] {
      for (name, service) in services {
        guard case .object(var members) = service, path.count < 2 || path[1] != "platform" else { continue }
        members["platform"] = .string(platforms.first ?? "")
        services[name] = .object(members)
      }
      file["services"] = .object(services)
    }
    if path.first != "platforms" {
      file["platforms"] = [
        "railway": value(.object(Grammar.railway)), "vercel": value(.object(Grammar.vercel)),
      ]
    }
    file.merge(["environment": "prod", "app": "shop"]) { _, new in new }
    return .object(file)
  }
}

@Suite("One declaration of the language")
struct GrammarTests {
  static let schema = SchemaCheck(root: Grammar.jsonSchema())
  /// What only holds between parts, which the samples do not care about.
  static let between: Set<Diagnostic.Code> = [
    .unknownNeed, .cycle, .identityWithoutPath, .unknownService, .contradiction, .notSupported, .missingFile,
  ]

  func errors(_ file: JSON) -> [Diagnostic] {
    readProd(file.serialized(pretty: true)).diagnostics.filter {
      !Self.between.contains($0.code) && $0.severity == .error
    }
  }

  @Test("every key's example, in the smallest file around it, is valid for decoder and schema")
  func samples() {
    #expect(Grammar.entries.count > 150)
    for entry in Grammar.entries {
      let file = Sample.file(entry)
      #expect(errors(file).map(\.message) == [], "\(entry.path): \(file.serialized())")
      #expect(Self.schema.mistakes(in: file) == [], "\(entry.path): \(file.serialized())")
    }
  }

  @Test("a key that is not declared is refused by both, everywhere")
  func unknownKeys() {
    for entry in Grammar.entries where !entry.key.shape.objects.isEmpty {
      let path = entry.path
      guard entry.key.shape.objects.count == 1 else { continue }
      let child = entry.key.shape.objects[0].keys[0]
      let file = Sample.file(Grammar.Entry(path: "\(path).\(child.name)", key: child, support: .now))
      let text = file.serialized().replacing("\"\(child.name)\":", with: "\"zzzzzz\":1,\"\(child.name)\":")
      guard let broken = try? JSON(parsing: text.utf8) else { continue }
      #expect(errors(broken).contains { $0.code == .unknownKey }, "\(path)")
      #expect(Self.schema.mistakes(in: broken) != [], "\(path)")
    }
  }

  @Test("every required key is missed by both")
  func requiredKeys() {
    for entry in Grammar.entries where entry.key.isRequired && entry.path != "environment" {
      let file = remove(entry.path.split(separator: ".").map(String.init)[...], from: Sample.file(entry))
      #expect(errors(file).contains { $0.code == .missingKey }, "\(entry.path): \(file.serialized())")
      #expect(Self.schema.mistakes(in: file) != [], "\(entry.path)")
    }
  }

  private func remove(_ path: ArraySlice<String>, from value: JSON) -> JSON {
    switch value {
    case .array(let elements): return .array(elements.map { remove(path, from: $0) })
    case .object(var members):
      guard let name = path.first else { return value }
      if let member = members[name] {
        members.removeValue(forKey: name)
        if path.count > 1 { members[name] = remove(path.dropFirst(), from: member) }
      } else {
        members = members.mapValues { remove(path, from: $0) }
      }
      return .object(members)
    default: return value
    }
  }

  @Test(
    "decoder and schema agree about values",
    arguments: [
      ("shipit: 1", true), ("shipit: 2", false), ("state: git", true),
      ("state: {postgres: {url: {secret: A}}}", true),
      ("state: {postgres: {url: a}}", false), ("state: remote", false), ("protect: {deadline: 25m}", true),
      ("protect: {deadline: 25}", false), ("protect: {deadline: 1h30m}", true),
      ("protect: {deadline: 30m1h}", false),
      ("app: my shop", false), ("run: [{name: a, run: [npm, 1, true]}]", true),
      ("run: [{name: a, run: npm}]", false),
      ("run: [{name: a, run: []}]", false), ("run: [{name: a, run: [x], repeatable: yes}]", false),
      ("run: [{name: a, run: [x], repeatable: true}]", true),
      ("checks: [{name: a, run: [x], http: y}]", false),
      ("checks: [{name: a}]", false), ("checks: [{name: a, run: [x], expect: {status: 200}}]", false),
      ("checks: [{name: a, http: 'https://a', expect: {status: 99}}]", false),
      ("checks: [{name: a, http: 'https://a', expect: {json: {n: 1, ok: true}}}]", true),
      (
        "checks: [{name: a, http: 'https://a', expect: {json: {n: '> 5', s: '!= x', t: '= > 5', u: '!', v: '<=-1.5'}}}]",
        true
      ),
      ("checks: [{name: a, http: 'https://a', expect: {json: {n: '> many'}}}]", false),
      ("checks: [{name: a, http: 'https://a', expect: {json: {n: '>'}}}]", false),
      ("checks: [{name: a, http: 'https://a', expect: {json: {n: '== x'}}}]", false),
      ("checks: [{name: a, http: 'https://a', expect: {json: {n: '=> 5'}}}]", false),
      ("checks: [{name: a, http: 'https://a', expect: {json: {n: ' > 5'}}}]", false),
      ("checks: [{name: a, websocket: 'wss://a', send: x, expect: {message: y}}]", true),
      ("checks: [{name: a, tcp: 'a:1', send: x}]", false),
      ("checks: [{name: a, tcp: 'a:1', samples: {count: 2}}]", false),
      ("checks: [{name: a, dns: a, expect: {addresses: []}}]", false),
      ("checks: [{name: a, dns: a, expect: {addresses: [x]}}]", false),
      ("checks: [{name: a, tls: a, dns: a}]", false),
      ("secrets: {sources: []}", false), ("secrets: {sources: [environment]}", true),
      ("secrets: {sources: [{vault: {}}]}", false), ("x-anything: [1, {a: b}]", true),
      ("provision: null", false),
      ("rollouts: {a b: {}}", false), ("notify: [{slack: {secret: A}, on: [nothing]}]", false),
      ("platforms: {railway: {project: 12, token: {secret: A}}}", true),
      ("platforms: {railway: {project: a, token: {secret: A-B}}}", false),
    ])
  func agreement(lines: String, isValid: Bool) throws {
    var members = try #require(Sample.file(Grammar.entries[0]).object)
    members.merge(Sample.parsed(lines).object ?? [:]) { _, new in new }
    let file = JSON.object(members)
    #expect(errors(file).isEmpty == isValid)
    #expect(Self.schema.mistakes(in: file).isEmpty == isValid)
  }

  @Test("the schema accepts the product files and lets a base leave things out")
  func products() throws {
    for path in [
      "web-and-api/prod", "web-and-api/base", "encore-and-supabase/prod", "websocket-and-redis/prod",
    ] {
      let text = try GoldenFiles.text("products/\(path).yaml")
      let value = try #require(Document(bytes: Array(text.utf8), name: path).root?.json)
      #expect(Self.schema.mistakes(in: value) == [], "\(path)")
    }
    #expect(
      Self.schema.mistakes(in: Sample.parsed("{extends: base.yaml, environment: a, protect: {branch: ~}}"))
        == [])
    #expect(
      Self.schema.mistakes(in: Sample.parsed("{extends: base.yaml, environment: a, protect: {brnch: x}}"))
        != [])
  }

  @Test("every key is on the reference page and explained")
  func reference() {
    let page = Grammar.referencePage()
    for entry in Grammar.entries {
      #expect(page.contains("| `\(entry.key.name)` |"), "\(entry.path)")
      guard case .key(let explanation) = Grammar.explain(entry.path) else {
        Issue.record("explain does not know \(entry.path)")
        continue
      }
      #expect(explanation.path == entry.path)
      #expect(explanation.support == entry.support)
      let first = entry.key.doc.split(separator: " ").prefix(3).joined(separator: " ")
      #expect(explanation.text().contains(first))
      for line in explanation.text(width: 60).split(separator: "\n") { #expect(line.count <= 84, "\(line)") }
    }
  }

  @Test("explain takes names, list places and last words, and knows what was meant")
  func explain() throws {
    func path(_ text: String) -> String? {
      if case .key(let explanation) = Grammar.explain(text) { explanation.path } else { nil }
    }
    func help(_ text: String) -> String? {
      if case .unknown(let help) = Grammar.explain(text) { help } else { nil }
    }
    #expect(path("services.health.within") == "services.health.within")
    #expect(path("services.api.health.within") == "services.health.within")
    #expect(path("run[0].repeatable") == "run.repeatable")
    #expect(path("restart-limit") == "services.settings.restart-limit")
    #expect(path("health.soak") == "services.health.soak")
    guard case .several(let paths) = Grammar.explain("timeout") else {
      Issue.record("timeout is several keys")
      return
    }
    #expect(paths.contains("run.timeout") && paths.contains("checks.timeout"))
    #expect(help("services.helth.within") == "did you mean `services.health.within`?")
    #expect(help("services.depends-on") == "did you mean `services.needs`?")
    #expect(help("zzz")?.hasPrefix("the keys of the file are shipit, environment") == true)
    guard case .file(let keys) = Grammar.explain("") else {
      Issue.record("nothing means the file")
      return
    }
    #expect(keys.map(\.name) == Grammar.environment.keys.map(\.name))
  }

  @Test("docs/environment.md and docs/environment.schema.json are what the declaration says")
  func documents() throws {
    let docs = GoldenFiles.project.appendingPathComponent("docs")
    try GoldenFiles.expect(Grammar.referencePage(), at: docs.appendingPathComponent("environment.md"))
    try GoldenFiles.expect(
      Grammar.jsonSchema().serialized(pretty: true) + "\n",
      at: docs.appendingPathComponent("environment.schema.json"))
  }

  @Test(
    "explain prints what there is to know",
    arguments: ["services.health.within", "services.health.identity", "state", "services.source.image"])
  func explainText(path: String) throws {
    guard case .key(let explanation) = Grammar.explain(path) else {
      Issue.record("explain does not know \(path)")
      return
    }
    let file = GoldenFiles.folder.appendingPathComponent("explain/\(path).txt")
    try GoldenFiles.expect(explanation.text(width: 80), at: file)
  }
}
