import JSON

/// What goes wrong in runs of the CLI's stand-in, which asks for it before it works.
///
/// `{"cli": "build docker", "fault": "stream-cut", "nth": 1, "count": 1}`
struct CommandFaults: Sendable {
  private struct Rule: Sendable {
    var command: String
    var fault: String
    var skip: Int
    var count: Int?
  }

  private var rules: [Rule] = []

  static let names = ["stream-cut", "push-failed", "daemon-failed", "stale-image", "incomplete-config"]

  mutating func add(_ script: JSON) throws(Refusal) {
    let fault = script["fault"]?.string ?? ""
    guard CommandFaults.names.contains(fault) else {
      throw Refusal(
        "unknown fault \(fault) of the CLI; known: \(CommandFaults.names.joined(separator: ", "))")
    }
    rules.append(
      Rule(
        command: script["cli"]?.string ?? "", fault: fault, skip: Int(script["nth"]?.int ?? 1) - 1,
        count: script["count"]?.string == "always" ? nil : Int(script["count"]?.int ?? 1)))
  }

  /// The fault for a run of a command, whose rule is used up by it: `{"fault": NAME or null}`.
  mutating func take(_ command: String) -> JSON {
    for index in rules.indices where rules[index].command == command && rules[index].count != 0 {
      if rules[index].skip > 0 {
        rules[index].skip -= 1
        continue
      }
      if let count = rules[index].count { rules[index].count = count - 1 }
      return ["fault": .string(rules[index].fault)]
    }
    return ["fault": nil]
  }

  var overview: [JSON] {
    rules.map { rule in
      [
        "fault": .string(rule.fault), "operation": .string("encore " + rule.command), "environment": nil,
        "left": rule.count.map { .int(Int64($0)) } ?? "always",
      ]
    }
  }
}
