import Model

/// Judges a series of samples, and ends it as soon as nothing can change the verdict. Pure.
///
/// The 95th percentile is by nearest rank: of n right answers, fastest first, the one at place ⌈0.95 n⌉; of 20 the
/// 19th, of 10 the slowest. Wrong answers have no time; they count against `failures`.
struct SampleSeries: Sendable {
  enum Verdict: Sendable, Hashable {
    case more
    case held(String)
    case failed(saw: String, wanted: String, [String?])
  }

  let wanted: Int
  let p95: Duration?
  let failures: Int
  private(set) var count = 0
  private var times: [Duration] = []
  private var wrong: [Sight] = []

  init(_ wanted: Int, p95: Duration?, failures: Int) {
    self.wanted = wanted
    self.p95 = p95
    self.failures = failures
  }

  /// The place, from 1, of the 95th percentile among so many.
  static func rank(_ count: Int) -> Int { (count * 95 + 99) / 100 }

  mutating func take(_ answer: CheckAnswer, took: Duration) -> Verdict {
    count += 1
    switch answer {
    case .holds: times.append(took)
    case .fails(let sight): wrong.append(sight)
    }
    if wrong.count > failures, let last = wrong.last {
      return .failed(
        saw: "was wrong in \(wrong.count) of \(count) samples",
        wanted: failures == 0 ? "none" : "at most \(failures) of \(wanted)",
        ["the last of them \(last.saw), wanted \(last.wanted)", last.detail])
    }
    // Fewer right answers never allow more slow ones.
    let slow = p95.map { limit in times.count { $0 > limit } } ?? 0
    if let p95, slow > wanted - SampleSeries.rank(wanted) {
      return tooSlow(p95, slow)
    }
    guard count == wanted else { return .more }
    let sorted = times.sorted()
    guard let slowest = sorted.last else {
      return .failed(saw: "was wrong in all \(count) samples", wanted: "right answers", [])
    }
    let percentile = sorted[SampleSeries.rank(sorted.count) - 1]
    if let p95, percentile > p95 { return tooSlow(p95, slow) }
    return .held(
      "\(count) samples, p95 \(percentile.inWords), slowest \(slowest.inWords), \(wrong.count) wrong")
  }

  private func tooSlow(_ limit: Duration, _ slow: Int) -> Verdict {
    let slowest = times.max().map { "the slowest took \($0.inWords)" }
    return .failed(
      saw: "took more than \(limit.inWords) in \(slow) of \(count) samples",
      wanted: "a p95 of \(limit.inWords) or less over \(wanted)", [slowest])
  }
}
