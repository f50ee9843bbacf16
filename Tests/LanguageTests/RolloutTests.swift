import Foundation
import Model
import Testing

@testable import Language

@Suite("Rollouts as they are written")
struct RolloutTests {
  private func rollout(_ text: String) throws -> RolloutTarget {
    let result = readProd(minimal(file: "rollouts:\n  checkout:\n" + text))
    try #require(!result.hasErrors, "\(result.diagnostics)")
    return try #require(result.environment?.rollouts?.first)
  }

  @Test(
    "a query refers to what is known when it is asked, and to nothing else",
    arguments: ["${realese}", "${release"])
  func unknownReference(_ written: String) {
    let result = readProd(
      minimal(
        file: """
          rollouts:
            checkout:
              flag: {provider: flagd, file: flags.json}
              store: {url: https://prometheus.example.com}
              steps: [100]
              bake: 1h
              metrics: [{name: errors, query: 'sum(errors{release="\(written)"})', pass: "< 1", dilution: accepted}]

          """))
    #expect(result.diagnostics.contains { $0.code == .misplacedReference }, "\(result.diagnostics)")
  }

  @Test("everything that is written arrives, in its unit")
  func whole() throws {
    let read = try rollout(
      """
          flag: {provider: launchdarkly, project: shop, environment: production, token: {secret: LD_TOKEN}, serve: v2, context: org}
          store: {url: https://prometheus.example.com, user: ann, password: {secret: STORE_PASSWORD}}
          steps: [0.5, 25, 100]
          bake: {0.5: 4h, 25: 2h, 100: 1h}
          approval: [25]
          interval: 1m
          initial-delay: 7m
          settle: 2
          min-readings: 4
          max-credit: 3m
          max-step: 9h
          on-error: rollback
          cure-within: 12m
          windows: {timezone: Europe/Oslo, open: [{days: [mon, sun], from: "22:30", to: "02:00"}]}
          freeze: [{from: 2026-12-19, to: 2027-01-04}]
          metrics:
            - {name: success, template: http-success, labels: {job: api}, window: 2m, variant: {label: checkout, value: "on"}, pass: "> 95", abort: "< 90", min-samples: 500, interval: 30s, timeout: 3s, failure-limit: 1, consecutive-failure-limit: 2, consecutive-error-limit: 3, consecutive-success-limit: 4, inconclusive-limit: 5, nodata-limit: 6, count: 7}
            - {name: crashes, query: 'sum(crashes{release="${release}"})', sample-query: sum(starts), dilution: accepted, abort: "> 0", critical: true}
            - {name: sold, query: sum(sold), pass: "> 3", mode: observe}
      """)
    var wanted = RolloutTarget(
      key: "checkout",
      flag: FlagTarget(
        .launchDarkly(project: "shop", environment: "production", url: nil), tokenSecret: "LD_TOKEN",
        serve: "v2",
        context: "org"),
      store: MetricStoreTarget(
        url: "https://prometheus.example.com", user: "ann", passwordSecret: "STORE_PASSWORD"),
      steps: [
        RolloutStep(share: try #require(FlagShare(thousandths: 500)), bake: .seconds(14_400)),
        RolloutStep(
          share: try #require(FlagShare(thousandths: 25_000)), bake: .seconds(7200), needsApproval: true),
        RolloutStep(share: .everybody, bake: .seconds(3600)),
      ],
      metrics: [
        MetricTarget(
          name: "success",
          question: .template("http-success", labels: [.init("job", "api")], window: .seconds(120)),
          pass: "> 95", abort: "< 90", minSamples: 500, variant: .init("checkout", "on")),
        MetricTarget(
          name: "crashes",
          question: .written(query: #"sum(crashes{release="${release}"})"#, samples: "sum(starts)"),
          abort: "> 0"),
        MetricTarget(
          name: "sold", question: .written(query: "sum(sold)", samples: nil), pass: "> 3"),
      ])
    wanted.metrics[0].interval = .seconds(30)
    wanted.metrics[0].timeout = .seconds(3)
    wanted.metrics[0].limits.failures = 1
    wanted.metrics[0].limits.consecutiveFailures = 2
    wanted.metrics[0].limits.consecutiveErrors = 3
    wanted.metrics[0].limits.consecutiveSuccesses = 4
    wanted.metrics[0].limits.inconclusive = 5
    wanted.metrics[0].limits.noData = 6
    wanted.metrics[0].limits.count = 7
    wanted.metrics[1].isCritical = true
    wanted.metrics[2].isObserved = true
    wanted.interval = .seconds(60)
    wanted.initialDelay = .seconds(420)
    wanted.settle = 2
    wanted.minReadings = 4
    wanted.maxCredit = .seconds(180)
    wanted.maxStep = .seconds(32_400)
    wanted.onError = .rollback
    wanted.cureWithin = .seconds(720)
    wanted.windows = RolloutWindows(
      timezone: "Europe/Oslo", open: [.init(weekdays: [0, 6], from: 1350, to: 120)])
    wanted.freezes = [
      Freeze(
        from: try FreezeMoment(parsing: "2026-12-19"), to: try FreezeMoment(parsing: "2027-01-04"))
    ]
    #expect(read == wanted)
    #expect(read.secretNames == ["LD_TOKEN", "STORE_PASSWORD"])
  }

  @Test("tests, comparisons and other sources arrive as they are written")
  func statistics() throws {
    let read = try rollout(
      """
          flag: {provider: flagd, file: flags.json}
          store: {url: https://prometheus.example.com}
          steps: [10, 100]
          bake: 1h
          metrics:
            - {name: errors, template: http-errors, variant: {label: checkout, value: "on", baseline: "off"}, pass: "< 1", abort: "> 2", alpha: 0.02}
            - {name: others, template: http-errors, variant: {label: checkout, value: "on"}, pass: "< 5", min-samples: 200, versus: baseline, max-increase: 20, min-delta: 0.5}
            - {name: orders, run: [./orders, --failed], pass: "> 3", dilution: accepted}
            - {name: seen, probe: {url: https://shop.example.com, measure: success, samples: 100}, pass: "> 95", abort: "< 90", dilution: accepted}
            - {name: edge, railway: {service: api, measure: p95, window: 10m}, pass: "< 0.5", dilution: accepted}
      """)
    #expect(read.metrics.map(\.alpha) == [0.02, nil, nil, nil, nil])
    #expect(read.metrics.map(\.versus) == [nil, .init(maxIncrease: 20, minDelta: 0.5), nil, nil, nil])
    #expect(
      read.metrics.dropFirst(2).map(\.question) == [
        .command(["./orders", "--failed"]),
        .probe(url: "https://shop.example.com", measure: "success", samples: 100),
        .railway(service: "api", measure: "p95", window: .seconds(600)),
      ])
  }

  @Test("a variable of a service can go to everybody, without anything measured")
  func variable() throws {
    let read = try rollout(
      """
          flag: {provider: variable, service: api, variable: CHECKOUT_ENABLED}
          steps: [100]
          bake: 1h
          gates: none
      """)
    #expect(read.flag.store == .variable(service: "api", name: "CHECKOUT_ENABLED"))
    #expect(read.steps == [RolloutStep(share: .everybody, bake: .seconds(3600))])
    #expect(read.metrics.isEmpty && read.store == nil)
  }

  @Test("a record that knows no rollouts is still read")
  func older() throws {
    let environment = try #require(readProd(minimal()).environment)
    var members = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(environment)) as? [String: Any])
    members["rollouts"] = nil
    let bytes = try JSONSerialization.data(withJSONObject: members)
    #expect(try JSONDecoder().decode(Environment.self, from: bytes).rollouts == nil)
  }
}
