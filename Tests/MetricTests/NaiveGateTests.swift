import Analysis
import Concurrency
import Foundation
import Metrics
import Testing

/// Gates that would decide by chance are refused, with the safer form.
@Suite struct NaiveGateTests {
  static let variant = "checkout"
  static let good =
    #"(sum(rate(http_requests_total{checkout="on",code=~"5.."}[5m])) or vector(0)) / sum(rate(http_requests_total{checkout="on"}[5m]))"#
  static let samples = #"sum(increase(http_requests_total{checkout="on"}[5m]))"#

  static func draft(
    _ query: String = good, samples: String? = samples, pass: String? = "< 1", abort: String? = "> 2",
    minSamples: Double = 2000, _ change: (inout GateDraft) -> Void = { _ in }
  ) -> GateDraft {
    var draft = GateDraft(
      query: query, sampleQuery: samples,
      MetricThresholds(
        pass: pass.flatMap(Threshold.init), abort: abort.flatMap(Threshold.init), minSamples: minSamples),
      variant: variant, scrape: .seconds(15), initialDelay: .seconds(300))
    change(&draft)
    return draft
  }

  static let cases: [(String, GateDraft, [NaiveGate.Mistake])] = [
    ("as it should be", draft(), []),
    ("only observed", draft("rate(a[1s]) / b", samples: nil) { $0.isObserved = true }, []),
    ("both true", draft(pass: "> 1", abort: "> 2"), [.contradicting]),
    ("no number of samples", draft(minSamples: 0), [.fewSamples]),
    ("a statistical rule instead", draft(minSamples: 0) { $0.hasStatistics = true }, []),
    ("a gate that never rolls back", draft(abort: nil, minSamples: 0), []),
    (
      "a trigger on a count",
      draft(
        #"sum(increase(fatal{checkout="on"}[5m]))"#, samples: nil, pass: nil, abort: "> 0", minSamples: 0), []
    ),
    ("samples that nobody counts", draft(samples: nil), [.uncounted]),
    ("no variant", draft { $0.variant = nil }, [.diluted]),
    ("dilution accepted", draft { ($0.variant, $0.isDilutionAccepted) = (nil, true) }, []),
    (
      "a denominator of everybody",
      draft(good.replacing(#"{checkout="on"}[5m]"#, with: #"{job="api"}[5m]"#)), [.diluted]
    ),
    (
      "a denominator without labels at all", draft(good.replacing(#"{checkout="on"}[5m]"#, with: "[5m]")),
      [.diluted]
    ),
    (
      "everybody but those who have it",
      draft(good.replacing(#"checkout="on""#, with: #"checkout!="on""#)), [.diluted]
    ),
    (
      "grouping, offsets and numbers are no series",
      draft(
        #"sum without (pod, job) (rate(a{checkout="on"}[5m] offset 1m)) * on () group_left (x) 1.5e3 OR vector(0)"#,
        abort: nil), []
    ),
    (
      "a quantile with a loose bound",
      draft(
        #"histogram_quantile(0.95, sum by (le) (rate(d_bucket{checkout="on"}[5m])))"#, pass: "<= 5",
        abort: nil), [.topBucket]
    ),
    (
      "no errors, no data", draft(good.replacing("(sum", with: "sum").replacing(" or vector(0))", with: "")),
      [.noErrorsNoData]
    ),
    (
      "no sum", draft(#"rate(http_requests_total{checkout="on"}[5m])"#, abort: nil), [.severalSeries]
    ),
    ("a window of two scrapes", draft(good.replacing("5m", with: "30s")), [.window]),
    ("a first reading of the step before", draft { $0.initialDelay = .seconds(60) }, [.early]),
    (
      "an aggregation before its labels",
      draft(#"sum by (job) (rate(http_requests_total{checkout="on"}[5m]))"#, abort: nil), []
    ),
    (
      "words within texts are no calls",
      draft(#"http_requests_total{checkout="on",path="/sum(x)/[1s]"}"#, abort: nil), [.severalSeries]
    ),
  ]

  @Test(arguments: cases)
  func `A gate is refused for what is naive about it, and for nothing else`(
    _ name: String, _ draft: GateDraft, _ mistakes: [NaiveGate.Mistake]
  ) {
    let found = NaiveGate.all(in: draft)
    #expect(found.map(\.mistake) == mistakes, "\(name): \(found)")
    for gate in found { #expect(!gate.why.isEmpty && !gate.safer.isEmpty) }
  }

  @Test(arguments: MetricTemplate.allCases)
  func `What templates fill in is never naive`(_ template: MetricTemplate) throws {
    var selection = MetricSelection()
    selection.labels = [.init("job", "api")]
    selection.variant = .init(Self.variant, "on")
    let filled = try template.filled(selection)
    let draft = GateDraft(
      query: filled.question.query, sampleQuery: filled.question.sampleQuery,
      MetricThresholds(pass: Threshold("< 1"), abort: Threshold("> 2"), minSamples: 2000),
      variant: Self.variant, scrape: .seconds(15), initialDelay: .seconds(300))
    #expect(NaiveGate.all(in: draft) == [])
  }

  @Test func `A template's own traps are handled, and what is asked of it is held against the same rules`() {
    func mistakes(_ pass: String, _ abort: String?, _ change: (inout GateDraft) -> Void) -> [NaiveGate
      .Mistake]
    {
      var draft = GateDraft(
        query: nil,
        MetricThresholds(
          pass: Threshold(pass), abort: abort.flatMap(Threshold.init), minSamples: 2000),
        variant: Self.variant)
      change(&draft)
      return NaiveGate.all(in: draft).map(\.mistake)
    }
    #expect(mistakes("< 1", "> 2") { _ in } == [])
    #expect(mistakes("< 1", "> 2") { $0.thresholds.minSamples = 0 } == [.fewSamples])
    #expect(mistakes("< 1", "> 2") { $0.variant = nil } == [.diluted])
    #expect(mistakes("<= 1", nil) { $0.isQuantile = true } == [.topBucket])
  }

  @Test func `Probes of which one or two lost packets would roll back are too few`() {
    func why(_ samples: Int, _ abort: String) -> String? {
      NaiveGate.ofProbes(samples, MetricThresholds(abort: Threshold(abort)))?.why
    }
    #expect(why(20, "< 96")?.hasPrefix("one lost probe of 20") == true)
    #expect(why(20, "< 95")?.hasPrefix("2 lost probes of 20") == true)
    #expect(why(20, "< 90") == nil)
    #expect(why(100, "< 95") == nil)
  }

  @Test func `The samples that are named are enough, by the binomial distribution itself`() throws {
    for (pass, abort, healthy) in [("< 1", "> 2", 0.01), ("> 95", "< 90", 0.05), ("< 0.1", "> 1", 0.001)] {
      let thresholds = MetricThresholds(pass: Threshold(pass), abort: Threshold(abort))
      let samples = try #require(thresholds.enoughSamples)
      let bad =
        abort.hasPrefix("<") ? 1 - (thresholds.abort?.bound ?? 0) / 100 : (thresholds.abort?.bound ?? 0) / 100
      // The chance of more than `bad` of them at one look, times the looks: a bound from above.
      let chance = Binomial.above(bad * samples, of: Int(samples), share: healthy) * 48
      #expect(chance <= 0.01, "\(pass) \(abort): \(samples) samples give \(chance)")
      #expect(samples < 5000)
    }
    #expect(MetricThresholds(pass: Threshold("< 250"), abort: Threshold("> 400")).enoughSamples == nil)
  }
}

enum Binomial {
  /// The chance of more than `bound` events.
  static func above(_ bound: Double, of count: Int, share: Double) -> Double {
    // From none upwards, each term from the one before, as logarithms.
    var term = Double(count) * log(1 - share)
    var below = 0.0
    for events in 0...count {
      if Double(events) <= bound { below += exp(term) }
      term += log(Double(count - events) / Double(events + 1)) + log(share / (1 - share))
    }
    return max(0, 1 - below)
  }
}
