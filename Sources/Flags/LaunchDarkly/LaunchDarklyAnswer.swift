import Concurrency
import JSON
import Model

/// A flag as LaunchDarkly tells it, read for a rollout (contract launchdarkly §3, §8).
struct LaunchDarklyAnswer {
  var state: FlagState
  /// The environment's own number, which grows by one with each write.
  var version: Int64

  private static let limit: Int64 = 100_000

  /// - Throws: `.configuration` with what makes a rollout of this flag impossible.
  init(_ answer: JSON, _ target: LaunchDarklyTarget, serve: JSON, name: String) throws(Failure) {
    func wrong(_ message: String, _ hint: String) -> Failure {
      Failure(.configuration, "\(name): \(message)", place: "LaunchDarkly getFeatureFlag", hint: hint)
    }
    guard let variations = answer["variations"]?.array,
      let config = answer["environments"]?[target.environment],
      let version = config["version"]?.int, let isOn = config["on"]?.bool
    else {
      throw wrong("the answer has no environment \(target.environment)", "check `flag.environment`")
    }
    guard answer["archived"]?.bool != true else {
      throw wrong("the flag is archived", "restore it in LaunchDarkly, or name another")
    }
    let known = variations.map { FlagVariation(id: $0["_id"]?.string ?? "", value: $0["value"] ?? .null) }
    let matching = known.indices.filter { known[$0].value == serve }
    let named = variations.indices.filter { variations[$0]["name"] == serve }
    guard let wanted = matching.first ?? named.first, known.allSatisfy({ !$0.id.isEmpty }) else {
      let values = known.map { $0.value.serialized() }.joined(separator: ", ")
      throw wrong("no variation has the value \(serve.serialized())", "`flag.serve` is one of \(values)")
    }
    guard let offIndex = config["offVariation"]?.int.map({ Int($0) }), known.indices.contains(offIndex) else {
      throw wrong(
        "it has no off variation: when it is off, callers get their own default",
        "choose an off variation in LaunchDarkly before the rollout starts")
    }
    guard offIndex != wanted else {
      throw wrong(
        "its off variation is the one that is rolled out: switching off would give it to everybody",
        "choose the old variation as the off variation in LaunchDarkly")
    }
    let rules = config["rules"]?.array ?? []
    let rule: JSON
    if let id = target.rule {
      guard let found = rules.first(where: { $0["_id"]?.string == id }) else {
        throw wrong("it has no rule \(id)", "take the id from LaunchDarkly, or leave `flag.rule` out")
      }
      rule = found
    } else {
      rule = config["fallthrough"] ?? .null
    }
    var draw = FlagDraw(
      rule: target.rule, contextKind: target.contextKind, bucketBy: target.bucketBy,
      salt: config["salt"]?.string)
    let share: FlagShare
    if let index = rule["variation"]?.int {
      guard index == Int64(wanted) || index == Int64(offIndex) else {
        throw wrong(
          "its rule serves a third variation, which a share would take away",
          "let the rule serve the off variation first")
      }
      share = index == Int64(wanted) ? .everybody : .nobody
    } else if let rollout = rule["rollout"], let weights = rollout["variations"]?.array {
      guard rollout["experimentAllocation"].map(\.isNull) ?? true else {
        throw wrong("an experiment owns its rule", "end the experiment in LaunchDarkly first")
      }
      var mine: Int64 = 0
      for entry in weights {
        let (index, weight) = (entry["variation"]?.int ?? -1, entry["weight"]?.int ?? 0)
        if index == Int64(wanted) {
          mine += weight
        } else if index != Int64(offIndex), weight > 0 {
          throw wrong(
            "its rule weights a third variation, so a larger share would move people",
            "leave weights for the wanted and the off variation alone")
        }
        if known.indices.contains(Int(index)),
          weight > 0 || index == Int64(wanted) || index == Int64(offIndex)
        {
          draw.order.append(known[Int(index)].id)
        }
      }
      guard let exact = FlagShare(thousandths: Int(mine)) else {
        throw wrong("its weights are not what LaunchDarkly documents", "look at the flag's default rule")
      }
      share = exact
      draw.contextKind = rollout["contextKind"]?.string ?? "user"
      draw.bucketBy = rollout["bucketBy"]?.string ?? "key"
      draw.seed = rollout["seed"]?.int
    } else {
      throw wrong("its rule is neither a variation nor a rollout", "look at the flag in LaunchDarkly")
    }
    var ahead: [String] = []
    if let first = config["prerequisites"]?.array, !first.isEmpty {
      ahead.append("\(first.count) prerequisite\(first.count == 1 ? "" : "s") must hold first")
    }
    let targets = (config["targets"]?.array ?? []) + (config["contextTargets"]?.array ?? [])
    if targets.contains(where: { $0["values"]?.array?.isEmpty == false }) {
      ahead.append("contexts that are targeted one by one do not follow the share")
    }
    let position = target.rule.flatMap { id in rules.firstIndex { $0["_id"]?.string == id } }
    let before = position ?? (target.rule == nil ? rules.count : 0)
    if before > 0 {
      ahead.append(
        "contexts that match \(before) earlier rule\(before == 1 ? "" : "s") do not follow the share")
    }
    if wanted < offIndex {
      ahead.append(
        "contexts without the kind \"\(target.contextKind)\" get the wanted variation from the first step")
    }
    let effective: FlagShare = isOn ? share : .nobody
    state = FlagState(
      key: target.flag, isOn: isOn, share: effective, draw: draw, variations: known, wanted: wanted,
      whenOff: offIndex, version: FlagVersion(String(version)), ahead: ahead)
    self.version = version
  }
}
