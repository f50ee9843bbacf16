/// How many of all contexts get a variation, in thousandths of a percent: 10 % is 10 000, everybody 100 000
/// (contract launchdarkly §1; flagd's weights are written in the same unit).
package struct FlagShare: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// 0 … 100 000.
  package let thousandths: Int

  /// Nil outside of 0 … 100 000.
  package init?(thousandths: Int) {
    guard (0...100_000).contains(thousandths) else { return nil }
    self.thousandths = thousandths
  }

  /// A percentage with at most three decimals; nil when it has more, or lies outside of 0 … 100.
  package init?(percent: Double) {
    let scaled = (percent * 1000).rounded()
    guard percent.isFinite, (0...100).contains(percent), abs(scaled - percent * 1000) < 1e-6 else {
      return nil
    }
    thousandths = Int(scaled)
  }

  private init(whole thousandths: Int) { self.thousandths = thousandths }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let share = FlagShare(thousandths: try container.decode(Int.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "a share lies between 0 and 100000 thousandths of a percent")
    }
    self = share
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(thousandths)
  }

  package static let nobody = FlagShare(whole: 0)
  package static let everybody = FlagShare(whole: 100_000)

  /// What the others get.
  package var rest: FlagShare { FlagShare(whole: 100_000 - thousandths) }
  package var percent: Double { Double(thousandths) / 1000 }

  package static func < (left: FlagShare, right: FlagShare) -> Bool {
    left.thousandths < right.thousandths
  }

  /// Such as `10 %` or `0.5 %`.
  package var description: String {
    guard thousandths % 1000 != 0 else { return "\(thousandths / 1000) %" }
    var decimals = String(thousandths % 1000 + 1000).dropFirst()
    while decimals.last == "0" { decimals.removeLast() }
    return "\(thousandths / 1000).\(decimals) %"
  }
}
