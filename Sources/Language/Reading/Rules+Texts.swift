import Model
import YAML

extension Rules {
  /// What the texts of the file say: references to services that exist, and no secrets.
  func checkTexts(_ reading: inout Reading) {
    var texts: [Placed] = []
    collect(Placed(value: .object(fields), mark: fields.mark, path: ""), into: &texts)
    for placed in texts {
      for reference in placed.template?.references ?? [] { check(reference, placed, &reading) }
      let text = placed.text ?? placed.template?.parts.map(Self.written).joined() ?? ""
      // A database's address with a password is refused, which says more.
      let steps = placed.path.split(separator: ".")
      let isAddress = steps.count == 3 && steps[0] == "databases" && steps[2] == "url"
      if !isAddress, let kind = LiteralSecret.kind(within: text) {
        let name = placed.path.split(separator: ".").last.map(String.init) ?? ""
        let isVariable = TextRule.variable.mistake(in: name) == nil && placed.path.contains(".variables.")
        reading.report(
          Diagnostic(
            .warning, .literalSecret, "`\(placed.path)` looks like \(kind), and everybody can read this file",
            at: placed.mark, path: placed.path,
            help: (isVariable ? "write {secret: \(name)}" : "give it in the environment as a secret")
              + ", and replace the value where it came from", conceals: true))
      }
    }
    for service in services {
      for entry in service.fields["variables"]?.map ?? [] {
        guard case .text(let text)? = entry.value.template?.parts.first,
          entry.value.template?.parts.count == 1,
          LiteralSecret.kind(within: text) == nil, LiteralSecret.isNamed(entry.key, with: text)
        else { continue }
        reading.report(
          Diagnostic(
            .warning, .literalSecret,
            "`\(entry.value.path)` is named like a secret, and everybody can read this file",
            at: entry.value.mark, path: entry.value.path, help: "write {secret: \(entry.key)}", conceals: true
          ))
      }
    }
  }

  /// A part as it stands in the file, near enough to judge the whole text.
  private static func written(_ part: Template.Part) -> String {
    switch part {
    case .text(let text): text
    case .reference(let reference): reference.description
    }
  }

  private func check(_ reference: Reference, _ placed: Placed, _ reading: inout Reading) {
    let place =
      reading.sources[placed.mark.file]?.mark(of: reference.description, within: placed.mark) ?? placed.mark
    switch reference {
    case .serviceURL(let name), .serviceHost(let name):
      let keys = services.map(\.key)
      guard !keys.contains(name.rawValue) else { return }
      let near = Suggestion.nearest(to: name.rawValue, among: keys)
      reading.error(
        .unknownService, "there is no service `\(name)`", at: place, path: placed.path,
        help: near.map { "did you mean `\($0)`?" } ?? "the services are \(keys.joined(separator: ", "))")
    case .platformVariable(let platform, _, _):
      guard fields["platforms"]?.fields?.has(platform.rawValue) != true,
        !isJudged(platform, placed, reading)
      else { return }
      reading.error(
        .undeclaredPlatform, "`\(reference)` is on \(platform.rawValue), which `platforms` does not declare",
        at: place, path: placed.path,
        help: "declare it; `shipit explain platforms.\(platform.rawValue)` lists its keys")
    case .commit, .release, .environment: return
    }
  }

  /// The same mistake was told: by a service of that platform, or of the place, where no reference to it helps.
  private func isJudged(_ platform: PlatformName, _ placed: Placed, _ reading: Reading) -> Bool {
    services.contains { $0.fields["platform"]?.text == platform.rawValue }
      || reading.diagnostics.contains { $0.code == .wrongPlatform && $0.path == placed.path }
  }

  private func collect(_ placed: Placed, into texts: inout [Placed]) {
    switch placed.value {
    case .template, .text: texts.append(placed)
    case .list(let elements): for element in elements { collect(element, into: &texts) }
    case .map(let entries): for entry in entries { collect(entry.value, into: &texts) }
    case .object(let fields):
      for key in fields.shape.keys {
        if let value = fields[key.name] { collect(value, into: &texts) }
      }
    default: break
    }
  }
}

extension LiteralSecret {
  /// Whether a variable's name says that its value is a secret, and the value is not obviously none.
  static func isNamed(_ name: String, with value: String) -> Bool {
    let endings = [
      "PASSWORD", "PASSWD", "SECRET", "SECRET_KEY", "PRIVATE_KEY", "API_KEY", "ACCESS_KEY", "TOKEN",
    ]
    let name = name.uppercased()
    guard endings.contains(where: { name == $0 || name.hasSuffix("_\($0)") }), !name.hasPrefix("NEXT_PUBLIC_")
    else {
      return false
    }
    let isPlain = value.contains("://") || value.contains(" ") || value.hasPrefix("/") || Double(value) != nil
    return value.count >= 8 && !isPlain
  }
}
