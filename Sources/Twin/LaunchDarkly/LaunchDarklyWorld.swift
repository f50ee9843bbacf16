import HTTPServer
import JSON

/// What LaunchDarkly refuses (contract launchdarkly §10).
struct LaunchDarklyProblem: Error, Sendable {
  var status: Int
  var code: String
  var message: String

  init(_ status: Int, _ code: String, _ message: String) {
    self.status = status
    self.code = code
    self.message = message
  }

  static let notFound = LaunchDarklyProblem(404, "not_found", "Unknown resource")

  var response: ServerResponse {
    .json(
      status,
      [
        "code": .string(code), "message": .string(message), "id": "9a1bd3a2-0000-4000-8000-000000000001",
      ])
  }
}

/// One project of the emulated LaunchDarkly: environments, tokens, flags, approvals, and the audit log.
struct LaunchDarklyWorld: Sendable {
  struct Environment: Sendable {
    var key: String
    var sdkKey: String
    var requiresApproval: Bool
    var requiresComments: Bool
  }

  struct Token: Sendable {
    var name: String
    /// A person's address; nil for a token of a service.
    var member: String?
    var mayWrite: Bool
  }

  struct Flag: Sendable {
    var key: String
    var version: Int64 = 1
    var variations: [JSON]
    var tags: [String]
    var created: Int64
    /// By environment, in the form of the REST API.
    var environments: [String: [String: JSON]]
    var lastRequested: [String: String] = [:]
  }

  struct Change: Sendable {
    var id: String
    var flag: String
    var environment: String
    var at: Int64
    var author: Token
    var comment: String
    var title: String
  }

  struct Approval: Sendable {
    var id: String
    var flag: String
    var environment: String
    var at: Int64
    var description: String
    var instructions: [JSON]
    var reviewStatus = "pending"
    var status = "pending"
    var reviews: [JSON] = []
    var version: Int64 = 1
  }

  let project: String
  private(set) var environments: [Environment] = []
  private(set) var tokens: [String: Token] = [:]
  var flags: [String: Flag] = [:]
  /// Newest first.
  private(set) var changes: [Change] = []
  var approvals: [Approval] = []
  private var minted = 0

  /// - Throws: what the seed lacks.
  init(_ seed: JSON, now: Int64) throws(Refusal) {
    project = seed["project"]?.string ?? "default"
    for environment in seed["environments"]?.array ?? [] {
      guard let key = environment["key"]?.string, let sdkKey = environment["sdkKey"]?.string else {
        throw Refusal("an environment of launchdarkly needs \"key\" and \"sdkKey\"")
      }
      environments.append(
        Environment(
          key: key, sdkKey: sdkKey, requiresApproval: environment["requireApproval"]?.bool ?? false,
          requiresComments: environment["requireComments"]?.bool ?? false))
    }
    for token in seed["tokens"]?.array ?? [] {
      guard let text = token["token"]?.string else {
        throw Refusal("a token of launchdarkly needs \"token\"")
      }
      tokens[text] = Token(
        name: token["name"]?.string ?? "token", member: token["member"]?.string,
        mayWrite: token["role"]?.string != "reader")
    }
    for flag in seed["flags"]?.array ?? [] {
      guard let key = flag["key"]?.string else { throw Refusal("a flag of launchdarkly needs \"key\"") }
      let values = flag["variations"]?.array ?? [true, false]
      let off = flag["offVariation"] ?? .int(Int64(values.count - 1))
      var config: [String: JSON] = [
        "on": flag["on"] ?? false, "archived": false, "salt": flag["salt"] ?? "9f1c2d", "sel": "5e1ec70r",
        "lastModified": .int(now), "version": 1, "targets": [], "contextTargets": [],
        "rules": flag["rules"] ?? [],
        "fallthrough": flag["fallthrough"] ?? ["variation": off.isNull ? 0 : off],
        "offVariation": off, "prerequisites": flag["prerequisites"] ?? [], "trackEvents": false,
        "trackEventsFallthrough": false,
      ]
      if off.isNull { config["offVariation"] = nil }
      flags[key] = Flag(
        key: key, variations: values.map { ["_id": .string(mint("7a11")), "value": $0] },
        tags: (flag["tags"]?.array ?? []).compactMap(\.string), created: flag["created"]?.int ?? now,
        environments: Dictionary(uniqueKeysWithValues: environments.map { ($0.key, config) }))
    }
  }

  mutating func mint(_ kind: String) -> String {
    minted += 1
    let number = String(minted)
    return "00000000-\(kind)-4000-8000-\(String(repeating: "0", count: 12 - number.count))\(number)"
  }

  func environment(_ key: String) throws(LaunchDarklyProblem) -> Environment {
    guard let found = environments.first(where: { $0.key == key }) else { throw .notFound }
    return found
  }

  /// Applies instructions whole or not at all.
  /// - Returns: the flag as it is then; only a real change raises versions.
  mutating func apply(
    _ instructions: [JSON], to key: String, in environment: String, comment: String, by author: Token,
    at now: Int64,
    dryRun: Bool = false
  ) throws(LaunchDarklyProblem) -> Flag {
    guard var flag = flags[key], let before = flag.environments[environment] else { throw .notFound }
    var config = before
    for instruction in instructions { try Self.apply(instruction, to: &config, of: flag) }
    guard config != before else { return flag }
    config["version"] = .int((before["version"]?.int ?? 0) + 1)
    config["lastModified"] = .int(now)
    flag.environments[environment] = config
    flag.version += 1
    guard !dryRun else { return flag }
    flags[key] = flag
    changes.insert(
      Change(
        id: mint("10c5"), flag: key, environment: environment, at: now, author: author, comment: comment,
        title: "updated the flag \(key)"), at: 0)
    return flag
  }

  private static func apply(
    _ instruction: JSON, to config: inout [String: JSON], of flag: Flag
  ) throws(LaunchDarklyProblem) {
    switch instruction["kind"]?.string {
    case "turnFlagOn": config["on"] = true
    case "turnFlagOff": config["on"] = false
    case "updateOffVariation": config["offVariation"] = .int(try index(instruction["variationId"], flag))
    case "updateFallthroughVariationOrRollout": config["fallthrough"] = .object(try served(instruction, flag))
    case "updateRuleVariationOrRollout":
      var rules = config["rules"]?.array ?? []
      guard let place = rules.firstIndex(where: { $0["_id"] == instruction["ruleId"] }) else {
        throw LaunchDarklyProblem(400, "invalid_request", "Unknown rule")
      }
      var rule = (rules[place].object ?? [:]).filter { !["variation", "rollout"].contains($0.key) }
      rule.merge(try served(instruction, flag)) { $1 }
      rules[place] = .object(rule)
      config["rules"] = .array(rules)
    case let kind:
      throw LaunchDarklyProblem(400, "invalid_request", "Unsupported instruction kind '\(kind ?? "")'")
    }
  }

  private static func index(_ id: JSON?, _ flag: Flag) throws(LaunchDarklyProblem) -> Int64 {
    guard let place = flag.variations.firstIndex(where: { $0["_id"] == id }) else {
      throw LaunchDarklyProblem(400, "invalid_request", "Unknown variation")
    }
    return Int64(place)
  }

  private static func served(_ instruction: JSON, _ flag: Flag) throws(LaunchDarklyProblem) -> [String: JSON]
  {
    if let id = instruction["variationId"] { return ["variation": .int(try index(id, flag))] }
    guard let weights = instruction["rolloutWeights"]?.object else {
      throw LaunchDarklyProblem(400, "invalid_request", "variationId or rolloutWeights is required")
    }
    var listed: [(Int64, Int64)] = []
    for (id, weight) in weights {
      guard let weight = weight.int, (0...100_000).contains(weight) else {
        throw LaunchDarklyProblem(400, "invalid_request", "A weight lies between 0 and 100000")
      }
      listed.append((try index(.string(id), flag), weight))
    }
    guard listed.reduce(0, { $0 + $1.1 }) == 100_000 else {
      throw LaunchDarklyProblem(400, "invalid_request", "Weights must sum to 100000")
    }
    let rows = listed.sorted { $0.0 < $1.0 }.map { ["variation": .int($0.0), "weight": .int($0.1)] as JSON }
    return [
      "rollout": [
        "contextKind": instruction["rolloutContextKind"] ?? "user",
        "bucketBy": instruction["rolloutBucketBy"] ?? "key", "variations": .array(rows),
      ]
    ]
  }
}
