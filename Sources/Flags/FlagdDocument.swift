import Concurrency
import Crypto
import JSON
import Model

/// A flag in the text of a flagd file: what it says, and the same text with another share (contract flagd §2).
struct FlagdDocument {
  let key: String
  private let edit: JSONEdit
  private let root: JSON
  private let flag: JSON
  let wanted: String
  /// What the others get.
  let old: String

  /// - Parameter serve: the value that is rolled out, or the name of its variant.
  init(_ bytes: [UInt8], key: String, serve: JSON, place: String) throws(Failure) {
    func wrong(_ message: String, _ hint: String) -> Failure {
      Failure(.configuration, message, place: place, hint: hint)
    }
    guard let root = try? JSON(parsing: bytes) else {
      throw wrong("the flag file is no JSON", "repair \(place): the applications keep their last good state")
    }
    let edit = JSONEdit(bytes)
    guard let flag = root["flags"]?[key], let variants = flag["variants"]?.object, !variants.isEmpty else {
      throw wrong("there is no flag \(key) with variants", "add it under `flags` in \(place)")
    }
    guard !edit.isAmbiguous(["flags", key, "targeting"]) else {
      throw wrong("the flag \(key) has a member twice", "take one of them out of \(place)")
    }
    let named = variants.filter { $0.value == serve }.keys.sorted()
    guard let wanted = named.first ?? (serve.string.flatMap { variants[$0] == nil ? nil : $0 }),
      named.count < 2
    else {
      throw wrong(
        "the flag \(key) has \(named.isEmpty ? "no" : "more than one") variant of the value \(serve.serialized())",
        "`flag.serve` names a value or a variant; there are \(variants.keys.sorted().joined(separator: ", "))"
      )
    }
    let others = variants.keys.filter { $0 != wanted }.sorted()
    let weighted = Self.weights(flag["targeting"])?.map(\.name).filter { $0 != wanted } ?? []
    let standard = flag["defaultVariant"]?.string
    guard
      let old = weighted.first ?? standard.flatMap({ $0 == wanted ? nil : $0 })
        ?? (others.count == 1 ? others[0] : others.first { $0 == "off" })
    else {
      throw wrong(
        "it cannot be told which variant of \(key) the others get",
        "give the flag a variant \"off\" in \(place)")
    }
    self.key = key
    self.edit = edit
    self.root = root
    self.flag = flag
    self.wanted = wanted
    self.old = old
  }

  private static func weights(_ targeting: JSON?) -> [(name: String, weight: Int64)]? {
    guard let members = targeting?.object, members.count == 1, let list = members["fractional"]?.array else {
      return nil
    }
    var found: [(name: String, weight: Int64)] = []
    for entry in list {
      guard let pair = entry.array, pair.count == 2, let name = pair[0].string, let weight = pair[1].int,
        weight >= 0
      else { return nil }
      found.append((name, weight))
    }
    return found
  }

  func state(at modified: Timestamp, place: String) throws(Failure) -> FlagState {
    let targeting = flag["targeting"]
    let hasRule = targeting.map { $0.object?.isEmpty == false } ?? false
    var share = flag["defaultVariant"]?.string == wanted ? FlagShare.everybody : .nobody
    var order: [String] = []
    if hasRule {
      guard let weights = Self.weights(targeting), weights.count == 2,
        Set(weights.map(\.name)) == [wanted, old],
        let mine = weights.first(where: { $0.name == wanted })?.weight,
        let exact = Self.share(mine, of: weights.reduce(0) { $0 + $1.weight })
      else {
        throw Failure(
          .configuration, "the targeting of \(key) is not a share between two variants", place: place,
          hint: "take `targeting` out, or write {\"fractional\": [[\"\(wanted)\", 0], [\"\(old)\", 100000]]}")
      }
      share = exact
      order = weights.map(\.name)
    }
    let isEnabled = flag["state"]?.string != "DISABLED"
    let names = (flag["variants"]?.object ?? [:]).sorted { $0.key < $1.key }
    let variations = names.map { FlagVariation(id: $0.key, value: $0.value) }
    return FlagState(
      key: key, isOn: isEnabled && (hasRule || share == .everybody),
      share: isEnabled ? share : .nobody,
      draw: FlagDraw(contextKind: "user", bucketBy: "targetingKey", order: order), variations: variations,
      wanted: variations.firstIndex { $0.id == wanted } ?? 0,
      whenOff: isEnabled ? variations.firstIndex { $0.id == old } : nil,
      version: FlagVersion(String("\(SHA256.digest(of: flag.serialized()))".prefix(16))),
      lastChange: FlagAuthor(name: nil, at: modified, comment: flag["metadata"]?["rollout"]?.string),
      ahead: isEnabled
        ? ["contexts without a targeting key get \"\(old)\" until the rollout is complete"]
        : ["the flag is DISABLED: every caller gets its own default"])
  }

  private static func share(_ weight: Int64, of sum: Int64) -> FlagShare? {
    guard sum > 0, sum <= 2_147_483_647, (weight * 100_000) % sum == 0 else { return nil }
    return FlagShare(thousandths: Int(weight * 100_000 / sum))
  }

  /// The text with the wanted variant for `share` of the contexts, drawn by a rule.
  func serving(_ share: FlagShare, order: [String], marker: String) -> [UInt8] {
    let walked = Set(order) == [wanted, old] ? order : [wanted, old]
    let weights = walked.map { name -> JSON in
      [.string(name), .int(Int64(name == wanted ? share.thousandths : share.rest.thousandths))]
    }
    return written(standard: old, targeting: ["fractional": .array(weights)], marker: marker)
  }

  /// The text with one variant for everybody and no rule.
  func serving(everybody isWanted: Bool, marker: String) -> [UInt8] {
    written(standard: isWanted ? wanted : old, targeting: nil, marker: marker)
  }

  private func written(standard: String, targeting: JSON?, marker: String) -> [UInt8] {
    var edit = edit
    let flag = ["flags", key]
    edit.set(flag + ["state"], "ENABLED")
    edit.set(flag + ["defaultVariant"], .string(standard))
    if let targeting {
      edit.set(flag + ["targeting"], targeting)
    } else {
      edit.remove(flag + ["targeting"])
    }
    edit.set(flag + ["metadata", "rollout"], .string(marker))
    if let version = root["metadata"]?["version"]?.string.flatMap({ Int64($0) }) {
      edit.set(["metadata", "version"], .string(String(version + 1)))
    }
    return edit.bytes
  }
}
