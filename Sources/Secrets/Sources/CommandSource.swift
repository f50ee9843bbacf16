import Model

/// A program that prints one value, or a JSON object of names and values.
struct CommandSource: SecretSource {
  private let settings: CommandSecrets
  private let earlier: EarlierSources
  private let access: SecretAccess

  init(_ settings: CommandSecrets, _ earlier: EarlierSources, _ access: SecretAccess) {
    self.settings = settings
    self.earlier = earlier
    self.access = access
  }

  /// The program alone: an argument may be anything.
  var description: String { "the command \(settings.run.first ?? "")" }

  func read(_ names: Set<String>) async throws(Failure) -> SecretAnswer {
    // It need not be started for what it cannot have.
    if let name = settings.name, !names.contains(name) { return SecretAnswer() }
    var given: [String: Sensitive] = [:]
    for variable in settings.pass {
      given[variable] = try await earlier.credential(variable, of: description)
    }
    let ended = try await SecretProgram(
      access: access, description: description, command: settings.run, given: given,
      timeout: settings.timeout
    ).run()
    guard ended.code == 0 else {
      throw Failure(
        .failed, "\(description) ended with code \(ended.code)", cause: ended.said,
        hint: "run it by itself: it gets PATH, HOME and what `pass` names, and nothing on standard input")
    }
    guard let name = settings.name else {
      return SecretAnswer(
        try SecretObject(parsing: ended.output, of: description, names: settings.names).readings(names))
    }
    guard let text = String(validating: ended.output, as: UTF8.self), !text.unicodeScalars.contains("\0")
    else {
      throw Failure(
        .configuration, "\(description) printed bytes that are no text",
        hint: "let it print them as base64")
    }
    return SecretAnswer([name: SecretReading(Sensitive(settings.trim.applied(to: text)))])
  }
}

extension SecretTrim {
  func applied(to text: String) -> String {
    switch self {
    case .none: return text
    case .all: return text.trimmingSpaces
    case .newline:
      var scalars = text.unicodeScalars
      if scalars.last == "\n" {
        scalars.removeLast()
        if scalars.last == "\r" { scalars.removeLast() }
      }
      return String(scalars)
    }
  }
}
