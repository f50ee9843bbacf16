/// One command line, understood.
struct Invocation: Sendable {
  var command: CommandSpecification
  var positionals: [String] = []
  var switches: Set<String> = []
  var values: [String: [String]] = [:]
  /// What stands after `--`.
  var rest: [String] = []

  func has(_ name: String) -> Bool { switches.contains(name) }
  func value(_ name: String) -> String? { values[name]?.last }

  /// A positional by its place; nil when it was not given.
  func positional(_ index: Int) -> String? { positionals.indices.contains(index) ? positionals[index] : nil }

  /// An option's value as a whole number within a range.
  /// - Throws: `UsageError` when it is none.
  func number(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws(UsageError) -> Int {
    guard let text = value(name) else { return standard }
    guard let number = Int(text), range.contains(number) else {
      throw UsageError(
        "--\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound), not “\(text)”",
        command: command.name)
    }
    return number
  }
}

/// A command line that cannot be understood.
struct UsageError: Error, CustomStringConvertible {
  var message: String
  var command: String?
  var suggestion: String?

  init(_ message: String, command: String? = nil, suggestion: String? = nil) {
    self.message = message
    self.command = command
    self.suggestion = suggestion
  }

  var description: String {
    var lines = ["error: \(message)"]
    if let suggestion { lines.append("  did you mean: \(suggestion)") }
    lines.append("  next: shipit \(command.map { "\($0) " } ?? "")--help")
    return lines.joined(separator: "\n")
  }
}

/// Reads a command line by the argument table.
struct ArgumentParser {
  let table: [CommandSpecification]

  /// - Throws: `UsageError` with a suggestion where one is near.
  func parse(_ arguments: [String]) throws(UsageError) -> Invocation {
    guard let word = arguments.first(where: { !$0.hasPrefix("-") }) else {
      throw UsageError("no command was given")
    }
    guard let command = table.first(where: { $0.name == word }) else {
      throw UsageError(
        "there is no command “\(word)”", suggestion: nearest(word, table.map(\.name)).map { "shipit \($0)" })
    }
    var invocation = Invocation(command: command)
    let options = command.options + commonOptions
    var isCommandTaken = false
    var index = 0
    while index < arguments.count {
      let argument = arguments[index]
      index += 1
      if argument == "--" {
        invocation.rest = Array(arguments[index...])
        break
      }
      if !argument.hasPrefix("-") || argument == "-" {
        if !isCommandTaken && argument == word {
          isCommandTaken = true
        } else {
          invocation.positionals.append(argument)
        }
        continue
      }
      if argument == "-h" {
        invocation.switches.insert("help")
        continue
      }
      let parts = argument.drop { $0 == "-" }.split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts.first ?? "")
      guard argument.hasPrefix("--"), let option = options.first(where: { $0.name == name }) else {
        throw UsageError(
          "\(command.name) has no option “\(argument.prefix { $0 != "=" })”", command: command.name,
          suggestion: nearest(name, options.map(\.name)).map { "--\($0)" })
      }
      guard option.value != nil else {
        guard parts.count == 1 else { throw UsageError("--\(name) takes no value", command: command.name) }
        invocation.switches.insert(name)
        continue
      }
      let value: String
      if parts.count == 2 {
        value = String(parts[1])
      } else if index < arguments.count {
        value = arguments[index]
        index += 1
      } else {
        throw UsageError("--\(name) wants \(option.value ?? "a value")", command: command.name)
      }
      if invocation.values[name] != nil && !option.isRepeatable {
        throw UsageError("--\(name) is given twice", command: command.name)
      }
      invocation.values[name, default: []].append(value)
    }
    if invocation.has("help") { return invocation }
    let required = command.positionals.filter { !$0.isOptional }
    if invocation.positionals.count < required.count {
      let missing = required[invocation.positionals.count]
      throw UsageError("\(command.name) wants \(missing.name): \(missing.help)", command: command.name)
    }
    if invocation.positionals.count > command.positionals.count {
      throw UsageError(
        "\(command.name) does not take “\(invocation.positionals[command.positionals.count])”",
        command: command.name)
    }
    return invocation
  }

  /// The nearest word, when it is near enough to be meant.
  private func nearest(_ word: String, _ words: [String]) -> String? {
    let ranked = words.map { ($0, editDistance(word.lowercased(), $0)) }.sorted { $0.1 < $1.1 }
    guard let best = ranked.first, best.1 <= max(1, word.count / 3) else {
      return words.first { $0.hasPrefix(word.lowercased()) && word.count >= 2 }
    }
    return best.0
  }
}

/// The number of single-character edits between two words.
func editDistance(_ left: String, _ right: String) -> Int {
  let right = Array(right)
  var row = Array(0...right.count)
  for (i, character) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for j in right.indices {
      let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (character == right[j] ? 0 : 1))
      diagonal = row[j + 1]
      row[j + 1] = next
    }
  }
  return row[right.count]
}
