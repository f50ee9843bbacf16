extension Grammar {
  /// The reference of the language in Markdown: docs/environment.md.
  package static func referencePage() -> String {
    var page = """
      # The environment file

      <!-- Written by a test from the declaration of the language (Sources/Language/Grammar). Do not edit. -->

      `environments/NAME.yaml` says what must be true of one environment. `shipit validate` checks it,
      `shipit explain KEY` tells what stands here about one key, and
      [environment.schema.json](environment.schema.json) serves editors: begin the file with

      ```yaml fragment
      # yaml-language-server: $schema=../docs/environment.schema.json
      ```

      ## Rules

      - **Unknown keys are errors**, but for keys that begin with `x-`, which are free.
      - **Scalars** follow YAML 1.2 core and the type that is wanted: `version: 1.10` stays text where text is
        wanted, `no` is never false, and a truth value is `true` or `false`.
      - **Durations** are whole numbers with a unit, the larger first: `90s`, `5m`, `4h`, `500ms`, `1h30m`, `7d`.
        **Sizes**: `512MB`, `1GB` (powers of 1000), `1GiB` (powers of 1024).
      - **References** stand in the places that say so: \(ReferenceKind.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")).
        `$${` stands for `${` itself.
      - **Secrets** are written `{secret: NAME}`: the name, never the value.
      - **`extends: FILE`** lays this file over another: mappings merge key by key, lists and single values replace,
        `null` removes.
      - **`needs: [NAME]`** is the only word for order. It orders going live; names are those of services, of `run:`
        steps, and `DB.migrations` and `DB.scripts` of databases.
      - What is **not supported yet** is a note in `validate` and refused by `plan` and `deploy`.

      ## A whole file

      ```yaml
      \(wholeFile)
      ```

      ## The file's keys


      """
    page += table(environment)
    for key in environment.keys where !key.shape.objects.isEmpty {
      page += section(key, path: key.shape.written(key.name), level: 2)
    }
    return page
  }

  /// Validated with every other block of YAML in the documents.
  private static let wholeFile = """
    shipit: 1
    environment: prod
    app: athlete-ally
    state: local
    platforms:
      railway: {workspace: acme, project: athlete-ally, environment: production, token: {secret: RAILWAY_API_TOKEN}}
    protect: {branch: main, deadline: 25m}
    services:
      api:
        platform: railway
        source: {directory: ./backend, include: [dist/**]}
        variables:
          DATABASE_URL: ${railway.Postgres.DATABASE_URL}
          JWT_SECRET: {secret: JWT_SECRET}
          LOG_LEVEL: info
        settings: {start: ./run, replicas: 2, memory: 1GB, overlap: 20s, drain: 60s}
        health: {path: /system/health, identity: {json: version}, within: 5m}
      web:
        platform: railway
        source: {directory: ./frontend}
        needs: [api]
        variables: {API_URL: "${services.api.url}"}
        health: {path: /}
    run:
      - {name: unit tests, run: [npm, test], timeout: 10m}
    checks:
      - {name: api, http: "${services.api.url}/system/health", expect: {status: 200, within: 500ms, json: {status: ok}}}
    """

  private static func section(_ key: Key, path: String, level: Int) -> String {
    let heading = String(repeating: "#", count: min(level, 5))
    var text = "\n\(heading) `\(path)`\n\n\(escaped(key.doc))"
    if key.support == .later { text += " *Not supported yet.*" }
    text += "\n"
    for object in key.shape.objects {
      text += "\n"
      if !object.exactlyOne.isEmpty {
        let choice = Shape.alternatives(object.exactlyOne.map { "`\($0)`" })
        text += object.exactlyOne.count == 1 ? "Has \(choice).\n\n" : "Has exactly one of \(choice).\n\n"
      }
      if !object.atLeastOne.isEmpty {
        text += "Has at least one of \(Shape.alternatives(object.atLeastOne.map { "`\($0)`" })).\n\n"
      }
      text += table(object)
      if let example = example(object, of: key) { text += "\n```yaml fragment\n\(example)```\n" }
      for below in object.keys where !below.shape.objects.isEmpty {
        text += section(below, path: "\(path).\(below.shape.written(below.name))", level: level + 1)
      }
    }
    return text
  }

  private static func table(_ object: ObjectShape) -> String {
    var text = "| key | value | default | |\n|---|---|---|---|\n"
    for key in object.keys {
      var doc = escaped(key.doc)
      for word in key.shape.words where word.text.count > 3 || key.shape.words.count < 7 {
        doc +=
          "<br>`\(word.text)`: \(escaped(word.doc))\(word.support == .later ? " *Not supported yet.*" : "")"
      }
      if case .template(let kinds) = key.shape {
        doc +=
          " Takes \(ReferenceKind.allCases.filter(kinds.contains).map { "`\($0.rawValue)`" }.joined(separator: ", "))."
      }
      if let platforms = key.platforms { doc += " (\(platforms.joined(separator: ", ")))" }
      if key.support == .later { doc += " *Not supported yet.*" }
      let standard = key.isRequired ? "**required**" : key.standard.map { "`\($0)`" } ?? ""
      text += "| `\(key.name)` | \(escaped(key.shape.short)) | \(standard) | \(doc) |\n"
    }
    return text
  }

  /// Keys with their examples; of many keys the example of the whole, for not all of them go together.
  private static func example(_ object: ObjectShape, of parent: Key) -> String? {
    if object.keys.count > 11 { return parent.example.map { "\(parent.name): \($0)\n" } }
    let keys = object.keys.filter { key in
      guard key.example != nil else { return false }
      guard let choice = object.exactlyOne.first(where: { object.key($0)?.example != nil }) else {
        return true
      }
      let isOther = object.exactlyOne.contains(key.name) && key.name != choice
      return !isOther && (object.onlyWith[key.name].map { $0 == choice } ?? true)
    }
    guard keys.count > 1 else { return nil }
    return keys.map { "\($0.name): \($0.example ?? "")\n" }.joined()
  }

  private static func escaped(_ text: String) -> String { text.replacing("|", with: "\\|") }
}

extension Shape {
  /// The key as it stands in a path: `services.NAME`, `run[]`.
  fileprivate func written(_ name: String) -> String {
    switch self {
    case .map: "\(name).NAME"
    case .list: "\(name)[]"
    default: name
    }
  }

  /// The kind of value in a word or two, for the table.
  fileprivate var short: String {
    switch self {
    case .text: "text"
    case .template: "text with references"
    case .bool: "true or false"
    case .int(let range):
      range.lowerBound == range.upperBound
        ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    case .number: "number"
    case .duration: "duration"
    case .size: "size"
    case .word: "word"
    case .secret: "`{secret: NAME}`"
    case .list(.either(let shapes), _): "list of " + shapes.map(\.short).joined(separator: " or ")
    case .list(let element, _): "list of \(element.short)s"
    case .map(_, let value): "\(value.short) by name"
    case .object: "mapping"
    case .either(let shapes): shapes.map(\.short).joined(separator: " or ")
    case .any: "anything"
    }
  }
}
